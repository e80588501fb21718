"""Pictures of detections: segments, foreground and class scores, whatever is there."""

import matplotlib.image
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvtg.structures import GroundingDataSample
from mmvtg.visualization.detections import draw_detections

GREEN, BLUE, ORANGE = (0, 158, 115), (0, 114, 178), (233, 174, 127)


def make_sample(found=3, curves=True, truth=True):
    sample = GroundingDataSample(
        metainfo=dict(video_id='v_$1', duration=20.0, classes=['grow', 'spin'])
    )
    spans = torch.tensor([[2.0, 8.0], [1.0, 9.0], [12.0, 18.0]])[:found]
    sample.pred_moments = InstanceData(
        spans=spans,
        scores=torch.tensor([0.9, 0.3, 0.0])[:found],
        labels=torch.tensor([0, 0, 1])[:found],
    )
    if truth:
        sample.gt_moments = InstanceData(
            spans=spans[:1], labels=torch.tensor([0])[:found]
        )
    if curves:
        sample.pred_foreground = torch.linspace(0, 1, 10)
        sample.pred_classes = torch.rand(10, 3).softmax(-1)
    return sample


def has(image, color):
    return bool((np.abs(image.astype(int) - color).max(axis=-1) < 8).any())


def test_everything_is_drawn_and_the_file_is_the_same(tmp_path):
    path = tmp_path / 'new' / 'x.png'
    image = draw_detections(make_sample(), str(path))
    assert has(image, GREEN) and has(image, BLUE) and has(image, ORANGE)
    written = (matplotlib.image.imread(path)[..., :3] * 255).round().astype('uint8')
    assert np.array_equal(written, image)


def test_worse_segments_are_paler():
    image = draw_detections(make_sample(found=2, curves=False, truth=False))
    faint = tuple(255 - (255 - c) * 0.5 for c in BLUE)  # 0.25 + 0.75 * 0.3 / 0.9
    assert has(image, BLUE) and has(image, faint)


@pytest.mark.parametrize(
    'settings', [dict(found=0), dict(curves=False), dict(truth=False)]
)
def test_missing_parts_are_left_out(settings):
    image = draw_detections(make_sample(**settings))
    assert image.ndim == 3 and image.dtype == np.uint8
    assert has(image, ORANGE) is settings.get('curves', True)
    assert has(image, BLUE) is (settings.get('found', 3) > 0)


def test_more_segments_make_a_higher_picture_up_to_the_limit():
    heights = [len(draw_detections(make_sample(), top_k=k)) for k in (1, 3, 9)]
    assert heights[0] < heights[1] == heights[2]


def test_of_many_classes_those_that_score_highest_are_drawn():
    few, many = make_sample(), make_sample()
    many.set_metainfo(dict(classes=[f'class {label}' for label in range(200)]))
    many.pred_classes = torch.rand(10, 201).softmax(-1)
    tall, small = draw_detections(many), draw_detections(few)
    assert small.shape[0] < tall.shape[0] < small.shape[0] + 200 * 3
