"""Levels of the pyramid and their masks."""

import pytest
import torch

from mmvtg.models.necks import TemporalPyramid
from mmvtg.structures import FusedFeatures


def make_fused(lengths=(9, 5), channels=4):
    torch.manual_seed(0)
    size = max(lengths)
    mask = torch.arange(size)[None] < torch.tensor(lengths)[:, None]
    clips = torch.randn(len(lengths), size, channels)
    words = torch.randn(len(lengths), 3, channels)
    ones = torch.ones(len(lengths), 3, dtype=torch.bool)
    return FusedFeatures(clips, mask, words, ones)


def test_levels_and_masks():
    fused = make_fused()
    out = TemporalPyramid(4, (1, 2, 4, 8))(fused)
    assert [level.size(1) for level in out.levels] == [9, 4, 2, 1]
    assert torch.equal(out.levels[0], fused.clips.relu())
    assert torch.equal(out.clips, out.levels[0])
    assert (fused.clips < 0).any(), 'the input must stay as it was'
    counts = [mask.sum(1).tolist() for mask in out.level_masks]
    assert counts == [[9, 5], [4, 2], [2, 1], [1, 0]]


def test_official_masks_take_windows_with_any_real_clip():
    out = TemporalPyramid(4, (1, 2, 4, 8), official_padding=True)(make_fused())
    counts = [mask.sum(1).tolist() for mask in out.level_masks]
    assert counts == [[9, 5], [4, 3], [2, 2], [1, 1]]


def test_levels_longer_than_the_video_are_left_out():
    out = TemporalPyramid(4)(make_fused(lengths=(3, 2)))
    assert [level.size(1) for level in out.levels] == [3, 1]


@pytest.mark.parametrize('strides', [(), (2, 4), (1, 3), (1, 4, 2), (1, 1)])
def test_bad_strides(strides):
    with pytest.raises(ValueError, match='strides'):
        TemporalPyramid(4, strides)


def test_levels_left_out_in_training_have_gradients_of_zero():
    pyramid = TemporalPyramid(4, (1, 2, 4, 8)).train()
    fused = make_fused(lengths=(5, 4))
    out = pyramid(fused)
    assert [level.size(1) for level in out.levels] == [5, 2, 1]
    assert torch.equal(out.clips, fused.clips.relu())
    sum(level.square().sum() for level in out.levels).backward()
    assert all(p.grad is not None for p in pyramid.parameters())
    # the last level was left out, the one before it was not
    assert not any(p.grad.any() for p in pyramid.levels[3].parameters())
    assert any(p.grad.any() for p in pyramid.levels[2].parameters())


def test_levels_left_out_stay_out_of_the_graph_without_training():
    pyramid = TemporalPyramid(4, (1, 8)).eval()
    assert not pyramid(make_fused(lengths=(5, 4))).clips.requires_grad
    pyramid.train().requires_grad_(False)
    assert not pyramid(make_fused(lengths=(5, 4))).clips.requires_grad
