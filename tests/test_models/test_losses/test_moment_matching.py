"""Losses of ActPrompt against loops."""

import math

import pytest
import torch

from mmvtg.models.losses import (
    AttentionConsistencyLoss,
    MomentRankingLoss,
    QueryContrastLoss,
)


def softmax_loss(logits, own):
    return math.log(sum(math.exp(x) for x in logits)) - logits[own]


def test_ranking_against_loops():
    torch.manual_seed(0)
    cosines = torch.rand(3, 4).double()
    valid = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0], [1, 0, 0, 0]]).bool()
    rows = [
        softmax_loss([c / 0.5 for c, v in zip(*pair) if v], 0)
        for pair in zip(cosines.tolist(), valid.tolist())
    ]
    assert rows[2] == 0
    found = MomentRankingLoss(temperature=0.5, loss_weight=3.0)(cosines, valid)
    assert found.item() == pytest.approx(3 * sum(rows) / 3)


def test_contrast_against_loops():
    torch.manual_seed(0)
    cosines, target = torch.rand(3, 4).double(), torch.tensor([2, 0, 2])
    rows = [
        softmax_loss([c / 0.5 for c in row], own)
        for row, own in zip(cosines.tolist(), target.tolist())
    ]
    found = QueryContrastLoss(temperature=0.5, loss_weight=3.0)(cosines, target)
    assert found.item() == pytest.approx(3 * sum(rows) / 3)


@pytest.mark.parametrize('kind', [MomentRankingLoss, QueryContrastLoss])
def test_temperature_must_be_positive(kind):
    message = f'^{kind.__name__}: temperature is 0, want > 0$'
    with pytest.raises(ValueError, match=message):
        kind(temperature=0)
    assert kind(temperature=0.5).temperature == 0.5


@pytest.mark.parametrize('renormalise', [False, True])
@pytest.mark.parametrize('num_runs', [None, 2])
def test_consistency_against_loops(renormalise, num_runs):
    torch.manual_seed(0)
    a, b = torch.rand(5, 2, 3).double(), torch.rand(5, 2, 3).double()
    runs = [0, 0, 0, 0, 1]
    frames = []
    for first, second in zip(a.tolist(), b.tolist()):
        layers = 0.0
        for x, y in zip(first, second):
            if renormalise:
                x, y = ([v / sum(row) for v in row] for row in (x, y))
            layers += sum((p - q) ** 2 for p, q in zip(x, y)) / 3
        frames.append(layers)
    each = [sum(frames[:4]) / 4, frames[4]]
    loss = AttentionConsistencyLoss(renormalise, loss_weight=2.0)
    found = loss(a, b, torch.tensor(runs), num_runs)
    assert found.item() == pytest.approx(2 * sum(each) / 2)
