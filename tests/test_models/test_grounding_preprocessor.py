"""Padding."""

import pytest
import torch

from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample, VideoFeatures


def test_batches_are_padded_with_zeros_and_masked():
    preprocessor = MODELS.build(dict(type='GroundingDataPreprocessor'))
    video = [torch.ones(3, 2, dtype=torch.float16), torch.ones(5, 2).half()]
    query = [torch.tensor([4, 5, 6]), torch.tensor([7])]
    samples = [GroundingDataSample(), GroundingDataSample()]
    data = dict(inputs=dict(video=video, query=query), data_samples=samples)
    data = preprocessor(data)
    inputs = data['inputs']
    assert inputs['video'].dtype == torch.float16
    assert inputs['video'].sum(-1).tolist() == [[2, 2, 2, 0, 0], [2] * 5]
    assert inputs['video_mask'].tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert inputs['query'].tolist() == [[4, 5, 6], [7, 0, 0]]
    assert inputs['query_mask'].tolist() == [[True] * 3, [True, False, False]]
    assert len(data['data_samples']) == 2


def sample_of(video_id):
    return GroundingDataSample(metainfo=dict(video_id=video_id))


def test_queries_of_a_video_share_its_row():
    a, b = torch.ones(3, 2), torch.full((4, 2), 2.0)
    samples = [sample_of(name) for name in 'abab']
    data = dict(
        inputs=dict(video=[a, b, a.clone(), b], query=[torch.ones(2)] * 4),
        data_samples=samples,
    )
    preprocessor = MODELS.build(dict(type='GroundingDataPreprocessor'))
    inputs = preprocessor(data)['inputs']
    assert inputs['video'].shape == (2, 4, 2)
    assert inputs['video_owners'].tolist() == [0, 1, 0, 1]
    assert inputs['query'].shape == (4, 2)
    features = VideoFeatures(
        mask=inputs['video_mask'],
        clips=inputs['video'],
        owners=inputs['video_owners'],
    ).spread()
    assert features.clips[:, 0, 0].tolist() == [1, 2, 1, 2]
    assert features.mask.sum(1).tolist() == [3, 4, 3, 4]


def test_a_video_cut_in_two_ways_is_not_shared():
    videos = [torch.ones(3, 2), torch.ones(2, 2), torch.zeros(3, 2)]
    data = dict(
        inputs=dict(video=videos, query=[torch.ones(2)] * 3),
        data_samples=[sample_of('a') for _ in videos],
    )
    preprocessor = MODELS.build(dict(type='GroundingDataPreprocessor'))
    inputs = preprocessor(data)['inputs']
    assert len(inputs['video']) == 3
    assert 'video_owners' not in inputs


def test_motion_shares_the_rows_of_its_videos():
    videos = [torch.ones(3, 2), torch.ones(2, 2), torch.ones(3, 2)]
    motion = [torch.full((len(rows), 4), float(len(rows))) for rows in videos]
    inputs = dict(video=videos, query=[torch.ones(2)] * 3, motion=motion)
    data = dict(inputs=inputs, data_samples=[sample_of(name) for name in 'aba'])
    preprocessor = MODELS.build(dict(type='GroundingDataPreprocessor'))
    inputs = preprocessor(data)['inputs']
    assert inputs['motion'][..., 0].tolist() == [[3, 3, 3], [2, 2, 0]]
    video = VideoFeatures(
        mask=inputs['video_mask'],
        motion=inputs['motion'],
        owners=inputs['video_owners'],
    ).spread()
    assert video.motion[:, 0, 0].tolist() == [3, 2, 3]


def test_motion_of_another_length_is_refused():
    inputs = dict(video=[torch.ones(3, 2)], query=[torch.ones(2)])
    inputs['motion'] = [torch.ones(4, 2)]
    data = dict(inputs=inputs, data_samples=[sample_of('a')])
    preprocessor = MODELS.build(dict(type='GroundingDataPreprocessor'))
    with pytest.raises(ValueError, match=r'\[3\] clips come with motion of \[4\]'):
        preprocessor(data)
