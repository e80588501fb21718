"""Class scores of videos at the borders of what is allowed."""

import json

import pytest
import torch

from mmvtg.models.task_modules import VideoClassScores

CLIPS = torch.tensor([[0.1, 0.1, 0.2], [0.3, 0.6, 0.0]])
CLASSES = ('long jump', 'spin', 'grow')


def write(tmp_path, content):
    path = tmp_path / 'file.json'
    path.write_text(json.dumps(content))
    return str(path)


def test_class_scores_may_be_small_or_zero(tmp_path):
    items = [dict(label='spin', score=0), dict(label='grow', score=0.25)]
    path = write(tmp_path, dict(results=dict(v=items)))
    found = VideoClassScores(path, weight=1.0)(CLIPS, 'v', CLASSES)
    want = CLIPS.sum(1, keepdim=True) * torch.tensor([0.0, 0.0, 1.0])
    torch.testing.assert_close(found, want)


@pytest.mark.parametrize('items', [3, [dict(label='spin', score=float('inf'))]])
def test_malformed_class_scores_are_a_value_error(tmp_path, items):
    scores = VideoClassScores(write(tmp_path, dict(results=dict(v=items))))
    with pytest.raises(ValueError, match="'v': want a list of"):
        scores(CLIPS, 'v', CLASSES)


@pytest.mark.parametrize('weight', [0, 1.5])
def test_weight_is_a_share(tmp_path, weight):
    with pytest.raises(ValueError, match=f'weight is {weight}'):
        VideoClassScores(write(tmp_path, dict(results={})), weight=weight)
