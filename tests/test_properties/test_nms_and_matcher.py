"""Laws of non-maximum suppression, and the matcher against all assignments."""

import itertools
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmvtg.models.task_modules import HungarianMatcher, batched_moment_nms
from mmvtg.models.task_modules.nms import moment_nms
from mmvtg.structures import span_iou

#: Integers, so that equal IoUs and scores at a threshold occur.
rows = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 20)),
    min_size=1,
    max_size=8,
)
KINDS = ('hard', 'linear', 'gaussian')


def as_tensors(query: list) -> tuple:
    table = torch.tensor(query, dtype=torch.float64)
    return table[:, :2].sort(dim=1).values, table[:, 2] / 20


@given(rows)
def test_what_hard_nms_keeps_does_not_overlap(query):
    spans, scores = as_tensors(query)
    kept, _, index = moment_nms(spans, scores + 0.1, kind='hard', iou_threshold=0.5)
    iou = span_iou(kept, kept)
    assert (iou[~torch.eye(len(kept), dtype=torch.bool)] < 0.5).all()
    assert torch.equal(kept, spans[index])


@given(rows)
def test_hard_nms_twice_is_hard_nms_once(query):
    spans, scores = as_tensors(query)
    once = moment_nms(spans, scores + 0.1, kind='hard')
    twice = moment_nms(*once[:2], kind='hard')
    assert all(torch.equal(a, b) for a, b in zip(once[:2], twice[:2]))


@given(rows, st.sampled_from(KINDS), st.floats(0.1, 100), st.floats(-40, 40))
def test_neither_unit_nor_origin_matters(query, kind, scale, shift):
    spans, scores = as_tensors(query)
    threshold = 0.5001  # at exactly the threshold, rounding would decide
    options = dict(kind=kind, iou_threshold=threshold)
    one = batched_moment_nms(spans[None], scores[None], **options)
    two = batched_moment_nms((spans * scale + shift)[None], scores[None], **options)
    assert torch.allclose(one, two, atol=1e-6)


@given(rows, rows, st.sampled_from(KINDS))
def test_batch_mates_do_not_matter(first, second, kind):
    size = max(len(first), len(second))
    spans, scores = torch.zeros(2, size, 2).double(), torch.zeros(2, size).double()
    mask = torch.zeros(2, size, dtype=torch.bool)
    for i, query in enumerate((first, second)):
        n = len(query)
        spans[i, :n], scores[i, :n] = as_tensors(query)
        mask[i, :n] = True
    both = batched_moment_nms(spans, scores, mask, kind=kind)
    for i, query in enumerate((first, second)):
        one, two = as_tensors(query)
        alone = batched_moment_nms(one[None], two[None], kind=kind)[0]
        assert torch.equal(both[i, : len(query)], alone)


@given(rows, st.randoms(use_true_random=False))
@example([(0, 0, 0), (0, 0, 1), (0, 0, 12), (0, 1, 14), (0, 7, 15)], Random(0))
def test_the_order_of_rows_of_different_scores_does_not_matter(query, random):
    unique = list({row[2]: row for row in query}.values())
    shuffled = unique[:]
    random.shuffle(shuffled)
    results = []
    for rows_of in (unique, shuffled):
        spans, scores = as_tensors(rows_of)
        # IoUs are fractions here, so that none makes two of these scores equal
        results.append(moment_nms(spans, scores.exp(), kind='linear')[:2])
    for a, b in zip(*results):
        assert torch.equal(a[results[0][1] > 0], b[results[1][1] > 0])


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.integers(0, 2**31 - 1),
)
def test_matcher_finds_the_cheapest_of_all_assignments(queries, counts, seed):
    counts = [min(count, queries) for count in counts]
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, len(counts), queries, 2, generator=rng)
    spans = torch.rand(2, len(counts), queries, 2, generator=rng)
    targets = torch.rand(len(counts), max(counts), 2, generator=rng)
    matcher = HungarianMatcher()
    found = matcher(logits, spans, targets, torch.tensor(counts))
    costs = matcher.cost(logits, spans, targets).numpy()
    for layer, (sample, count) in itertools.product(range(2), enumerate(counts)):
        row = found[layer, sample].numpy()
        cost = costs[layer, sample, :, :count]
        matched = np.flatnonzero(row >= 0)
        assert sorted(row[matched]) == list(range(count))
        best = min(
            sum(cost[q, t] for t, q in enumerate(chosen))
            for chosen in itertools.permutations(range(queries), count)
        )
        assert cost[matched, row[matched]].sum() == pytest.approx(best, abs=1e-5)
