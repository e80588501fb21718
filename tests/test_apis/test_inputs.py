"""Arguments of inferencers: wrong ones are named before anything is computed."""

import numpy as np
import pytest
import torch

from mmvtg.apis.inputs import check_videos


@pytest.mark.parametrize(
    'frames', [np.zeros((8, 4, 4, 3), np.uint8), torch.zeros(8, 4, 4, 3)]
)
@pytest.mark.parametrize('nested', [False, True])
def test_an_array_as_a_video_is_described_by_its_shape(frames, nested):
    with pytest.raises((TypeError, ValueError)) as caught:
        check_videos([frames] if nested else frames)
    message = str(caught.value)
    assert 'of shape (8, 4, 4, 3)' in message and '\n' not in message
    assert 'want' in message and len(message) < 200
