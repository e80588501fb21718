"""Visualizer and hook: from data samples to files."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmvtg.registry import VISUALIZERS
from mmvtg.structures import GroundingDataSample
from mmvtg.visualization import GroundingVisualizer, TimelineHook, timeline_of


def _sample(qid=7, **metainfo):
    sample = GroundingDataSample(
        metainfo=dict(
            query_id=qid,
            video_id='vid',
            query=f'query {qid} <b>',
            duration=10.0,
            fps=1.0,
            **metainfo,
        )
    )
    sample.gt_moments = InstanceData(spans=torch.tensor([[1.0, 4.0]]))
    sample.pred_moments = InstanceData(
        spans=torch.tensor([[1.0, 5.0]]), scores=torch.tensor([0.5])
    )
    sample.pred_saliency = torch.rand(10)
    return sample


def _runner(tmp_path, total):
    loader = SimpleNamespace(dataset=range(total))
    return SimpleNamespace(
        test_dataloader=loader,
        work_dir=str(tmp_path),
        logger=MMLogger.get_current_instance(),
        visualizer=VISUALIZERS.build(dict(type='GroundingVisualizer', name='test')),
    )


@pytest.fixture
def video(tmp_path):
    av = pytest.importorskip('av')
    path = tmp_path / 'vid.mp4'
    with av.open(str(path), 'w') as file:
        stream = file.add_stream('libx264', rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for level in range(80):
            frame = np.full((48, 64, 3), 3 * level, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        file.mux(stream.encode())
    return path


def test_timeline_takes_all_that_a_sample_knows():
    scores = np.array([[0, 2], [4, 4]])
    sample = _sample(annotator_scores=scores, saliency_clip_length=2.0)
    timeline = timeline_of(sample)
    assert timeline.annotated.tolist() == [[1, 4]]
    assert timeline.annotated_saliency.tolist() == [1, 4]
    assert timeline.annotated_fps == 0.5
    assert timeline.caption == 'vid · query 7 · 10 s'


def test_visualizer_reads_thumbnails_of_the_video(video, tmp_path):
    visualizer = GroundingVisualizer()
    plain = visualizer.add_datasample('x', data_sample=_sample())
    strip = visualizer.add_datasample(
        'x', data_sample=_sample(), video_path=str(video), out_file=tmp_path / 'x.png'
    )
    assert len(strip) > len(plain)
    assert (tmp_path / 'x.png').is_file()
    assert visualizer.get_image() is not None


@pytest.mark.parametrize('content', [None, b'', b'not a video'])
def test_videos_that_cannot_be_read_cost_only_the_strip(content, tmp_path):
    path = tmp_path / 'v.mp4'
    if content is not None:
        path.write_bytes(content)
    image = GroundingVisualizer().add_datasample(
        'x', data_sample=_sample(), video_path=str(path)
    )
    assert image.shape[1] == 1200


def test_visualizer_needs_a_sample():
    with pytest.raises(ValueError, match='needs a data_sample'):
        GroundingVisualizer().add_datasample('x')


def test_hook_draws_every_nth_sample_and_a_page(tmp_path, video):
    runner = _runner(tmp_path, total=10)
    hook = TimelineHook(num_pictures=3, video_dir=str(tmp_path))
    hook.before_test(runner)
    for start in range(0, 10, 4):
        batch = [_sample(f'q/{i}') for i in range(start, min(start + 4, 10))]
        hook.after_test_iter(runner, start // 4, None, batch)
    hook.after_test_epoch(runner, {})
    folder = tmp_path / 'timelines'
    assert sorted(path.name for path in folder.iterdir()) == [
        'index.html',
        'q_0.png',
        'q_3.png',
        'q_6.png',
    ]
    page = (folder / 'index.html').read_text()
    assert 'src="q_3.png"' in page and '&lt;b&gt;' in page and '3 of 10' in page


def test_hook_that_is_off_draws_nothing(tmp_path):
    runner, hook = _runner(tmp_path, total=1), TimelineHook(enable=False)
    hook.before_test(runner)
    hook.after_test_iter(runner, 0, None, [_sample()])
    hook.after_test_epoch(runner, {})
    assert not (tmp_path / 'timelines').exists()
