"""Padding."""

import torch

from mmvtg.registry import MODELS


def test_batches_are_padded_with_zeros_and_masked():
    preprocessor = MODELS.build(dict(type='GroundingDataPreprocessor'))
    video = [torch.ones(3, 2, dtype=torch.float16), torch.ones(5, 2).half()]
    query = [torch.tensor([4, 5, 6]), torch.tensor([7])]
    data = preprocessor(dict(inputs=dict(video=video, query=query), data_samples=[1]))
    inputs = data['inputs']
    assert inputs['video'].dtype == torch.float16
    assert inputs['video'].sum(-1).tolist() == [[2, 2, 2, 0, 0], [2] * 5]
    assert inputs['video_mask'].tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert inputs['query'].tolist() == [[4, 5, 6], [7, 0, 0]]
    assert inputs['query_mask'].tolist() == [[True] * 3, [True, False, False]]
    assert data['data_samples'] == [1]
