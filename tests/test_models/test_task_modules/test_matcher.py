"""The assignment of queries to moments."""

from itertools import permutations, product

import pytest
import torch

from mmvtg.models.task_modules import HungarianMatcher
from mmvtg.structures import center_to_span, span_giou


def pair_cost(logits, span, target):
    giou = span_giou(center_to_span(span), center_to_span(target))
    distance = (span - target).abs().sum()
    return (10 * distance - giou - 4 * logits.softmax(0)[0]).item()


def test_no_other_assignment_costs_less():
    torch.manual_seed(0)
    logits, spans = torch.randn(2, 3, 4, 2), torch.rand(2, 3, 4, 2)
    targets, counts = torch.rand(3, 3, 2), torch.tensor([3, 0, 2])
    found = HungarianMatcher()(logits, spans, targets, counts)
    for layer in range(2):
        for k, count in enumerate(counts.tolist()):
            costs = {
                queries: sum(
                    pair_cost(logits[layer, k, q], spans[layer, k, q], targets[k, m])
                    for m, q in enumerate(queries)
                )
                for queries in permutations(range(4), count)
            }
            expected = torch.full((4,), -1)
            for m, q in enumerate(min(costs, key=costs.get)):
                expected[q] = m
            assert torch.equal(found[layer, k], expected)


def test_more_moments_than_queries():
    spans, targets = torch.rand(1, 1, 2, 2), torch.rand(1, 5, 2)
    found = HungarianMatcher()(
        torch.zeros(1, 1, 2, 2), spans, targets, torch.tensor([5])
    )
    assert (found >= 0).all() and len(set(found.flatten().tolist())) == 2


def test_no_moments():
    zeros = torch.zeros(1, 2, 3, 2)
    none = torch.zeros(2, dtype=torch.long)
    found = HungarianMatcher()(zeros, zeros, torch.zeros(2, 1, 2), none)
    assert (found == -1).all()


def test_costs_of_all_pairs():
    torch.manual_seed(0)
    logits, spans = torch.randn(2, 2, 4, 2), torch.rand(2, 2, 4, 2)
    targets = torch.rand(2, 3, 2)
    costs = HungarianMatcher().cost(logits, spans, targets)
    for layer, k, q, m in product(range(2), range(2), range(4), range(3)):
        expected = pair_cost(logits[layer, k, q], spans[layer, k, q], targets[k, m])
        assert costs[layer, k, q, m].item() == pytest.approx(expected, abs=1e-5)
