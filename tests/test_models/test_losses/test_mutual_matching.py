"""The contrast of moments and queries against loops."""

import math

import pytest
import torch

from mmvtg.models.losses import MutualMatchingLoss


def by_hand(sim, owners, ious, pairs, count, margin, tau, exact):
    """Both losses, query by query (MMN 3.3)."""
    moment, query = [], []
    for a, owner in enumerate(owners.tolist()):
        for cell in ious[a].argsort(descending=True)[:count].tolist():
            positive = math.exp((sim[a, owner, cell].item() - margin) / tau)
            rest = sum(
                math.exp(sim[b, owner, cell].item() / tau)
                for b in range(len(owners))
                if not (owners[b] == owner and pairs[a, b] >= 0.5)
            )
            moment.append(-math.log(positive / (positive + rest)))
            rest = 0.0
            for video in range(sim.size(1)):
                for other in range(sim.size(2)):
                    if video == owner and ious[a, other] >= 0.5:
                        rest += 0.0 if exact else 1.0
                    else:
                        rest += math.exp(sim[a, video, other].item() / tau)
            query.append(-math.log(positive / (positive + rest)))
    return sum(moment) / len(moment), sum(query) / len(query)


@pytest.mark.parametrize('exact', [False, True])
@pytest.mark.parametrize('count', [1, 3])
def test_against_loops(exact, count):
    torch.manual_seed(0)
    owners = torch.tensor([0, 0, 1, 2, 2])
    sim = torch.rand(5, 3, 6).double() * 2 - 1
    ious = torch.rand(5, 6).double()
    pairs = torch.rand(5, 5).double()
    pairs = (pairs + pairs.T).clamp(max=1)
    pairs.fill_diagonal_(1)
    loss = MutualMatchingLoss(count, 0.3, 0.1, exact_negative_mask=exact)
    ours = loss(sim, owners, ious, pairs)
    expected = by_hand(sim, owners, ious, pairs, count, 0.3, 0.1, exact)
    for a, b in zip(ours, expected):
        assert a.item() == pytest.approx(b)


def test_a_single_query_has_no_negative_queries():
    loss = MutualMatchingLoss()
    moment, query = loss(
        torch.zeros(1, 1, 2, requires_grad=True),
        torch.tensor([0]),
        torch.tensor([[1.0, 0.0]]),
        torch.ones(1, 1),
    )
    assert moment.item() == 0 and query.isfinite()
    moment.backward()


def test_thresholds_include_their_value():
    owners = torch.tensor([0, 0])
    sim = torch.tensor([[[0.3, -0.2]], [[0.1, 0.4]]]).double()
    ious = torch.tensor([[1.0, 0.5], [0.5, 0.75]]).double()
    pairs = torch.tensor([[1.0, 0.5], [0.5, 1.0]]).double()
    ours = MutualMatchingLoss(1, 0.3, 0.1, exact_negative_mask=True)(
        sim, owners, ious, pairs
    )
    # Nothing is left as a negative.
    assert [loss.item() for loss in ours] == pytest.approx([0, 0], abs=1e-9)
