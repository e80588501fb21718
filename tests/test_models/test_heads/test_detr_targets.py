"""Pairs of clips and relevance."""

import numpy as np
import pytest
import torch

from mmvtg.models.heads.targets import draw_pairs, stack_pairs, stack_relevance
from mmvtg.structures import GroundingDataSample

SALIENCY = torch.tensor([[0.0, 0.5, 1.0, 0.25, 0.0], [0.25, 0.5, 1.0, 0.0, 0.0]])
RELEVANT = torch.tensor([[0, 1, 1, 1, 0], [1, 1, 1, 0, 0]]).bool()
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()


def test_hard_and_extreme_pairs():
    pairs = draw_pairs(SALIENCY, RELEVANT, MASK, ('hard', 'extreme'))
    assert pairs[0].tolist() == [[2, 3], [2, 0]]
    assert pairs[1].tolist() == [[2, 0], [2, 0]]


def test_easy_pairs_are_drawn_from_all_that_may_be():
    torch.manual_seed(0)
    drawn = [draw_pairs(SALIENCY, RELEVANT, MASK, ('easy',))[:, 0] for _ in range(99)]
    seen = [{tuple(pairs[k].tolist()) for pairs in drawn} for k in range(2)]
    assert seen[0] == {(p, n) for p in (1, 2, 3) for n in (0, 4)}
    # every clip of the second video is relevant: the hard pair
    assert seen[1] == {(2, 0)}


def make(k, **meta):
    return GroundingDataSample(metainfo=dict(query_id=k, **meta))


def test_relevance_comes_from_positive_clips():
    samples = [make(0, positive_clips=np.array([1, 2, 3]))]
    samples.append(make(1, positive_clips=np.array([0, 1, 2])))
    assert torch.equal(stack_relevance(samples, 5), RELEVANT)
    with pytest.raises(KeyError, match='sample 7 has no positive_clips'):
        stack_relevance([make(7)], 5)


def test_pairs_that_the_pipeline_fixed_are_kept():
    fixed = [[[1, 4], [2, 0]], [[2, 1], [0, 1]]]
    samples = [make(k, saliency_pairs=np.array(rows)) for k, rows in enumerate(fixed)]
    assert stack_pairs(samples, SALIENCY, MASK, ('hard', 'easy')).tolist() == fixed
