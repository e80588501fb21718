"""Batched NMS against the obvious loop over one query."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvtg.models.task_modules import batched_moment_nms, moment_nms

_KINDS = ['hard', 'linear', 'gaussian']


def _iou(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    return inter / union if union > 0 else 0.0


def slow_nms(spans, scores, kind, iou_threshold=0.7, sigma=0.5):
    """Pick the best row, rescore the rest, until no row is left."""
    scores, left = list(scores), list(range(len(scores)))
    while left:
        best = max(left, key=lambda i: scores[i])
        left.remove(best)
        for i in left:
            iou = _iou(spans[best], spans[i])
            if kind == 'hard':
                scores[i] = 0.0 if iou >= iou_threshold else scores[i]
            elif kind == 'linear':
                scores[i] *= 1 - iou if iou >= iou_threshold else 1
            else:
                scores[i] *= math.exp(-(iou**2) / sigma)
    return scores


# Whole numbers make ties, equal spans, zero lengths and IoU exactly at a threshold.
_span = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted)
_row = st.tuples(_span, st.integers(0, 8).map(lambda n: n / 8))
_query = st.lists(_row, max_size=9)


def _batch(queries):
    longest = max(len(query) for query in queries)
    spans = torch.full((len(queries), longest, 2), 5.0, dtype=torch.float64)
    scores = torch.full((len(queries), longest), 9.0, dtype=torch.float64)
    mask = torch.zeros(len(queries), longest, dtype=torch.bool)
    for b, query in enumerate(queries):
        for n, (span, score) in enumerate(query):
            spans[b, n] = torch.tensor(span, dtype=torch.float64)
            scores[b, n], mask[b, n] = score, True
    return spans, scores, mask


@settings(max_examples=150, deadline=None)
@given(
    queries=st.lists(_query, min_size=1, max_size=4),
    kind=st.sampled_from(_KINDS),
    threshold=st.sampled_from([0.25, 0.5, 0.7, 1.0]),
)
def test_equals_loop_over_each_query(queries, kind, threshold):
    spans, scores, mask = _batch(queries)
    result = batched_moment_nms(spans, scores, mask, kind, threshold, sigma=0.3)
    for b, query in enumerate(queries):
        expected = slow_nms(
            [span for span, _ in query], [s for _, s in query], kind, threshold, 0.3
        )
        assert result[b, : len(query)].tolist() == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(query=_query.filter(bool), kind=st.sampled_from(_KINDS))
def test_scores_never_rise_and_the_best_stays(query, kind):
    spans, scores, mask = _batch([query])
    result = batched_moment_nms(spans, scores, mask, kind)
    assert (result <= scores).all()
    assert (result >= 0).all()
    assert result.max() == scores.max()


@pytest.mark.parametrize('kind', _KINDS)
def test_two_moments_of_length_zero_give_no_nan(kind):
    spans = torch.tensor([[[3.0, 3.0], [3.0, 3.0]]])
    scores = torch.tensor([[0.9, 0.8]])
    assert torch.equal(batched_moment_nms(spans, scores, kind=kind), scores)


def test_threshold_itself_suppresses():
    spans = torch.tensor([[[0.0, 4.0], [0.0, 2.0]]])
    scores = torch.tensor([[0.9, 0.8]])
    result = batched_moment_nms(spans, scores, iou_threshold=0.5)
    assert result.tolist()[0][1] == 0


def test_input_is_left_alone():
    spans, scores = torch.tensor([[[0.0, 4.0], [0.0, 4.0]]]), torch.tensor([[0.9, 0.8]])
    before = scores.clone()
    batched_moment_nms(spans, scores)
    assert torch.equal(scores, before)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'soft' is unknown.*linear"):
        batched_moment_nms(torch.zeros(1, 1, 2), torch.zeros(1, 1), kind='soft')


def test_gaussian_may_start_at_an_overlap_that_grows_with_the_picked_moment():
    spans = torch.tensor([[[0.0, 0.5], [0.0, 0.4], [0.4, 0.8]]])
    scores = torch.tensor([[0.9, 0.8, 0.7]])
    # IoU with the picked one: 0.8 and 0.125; the limit is 0.5 + 0.4 * 0.5 = 0.7
    options = dict(kind='gaussian', sigma=0.4)
    result = batched_moment_nms(spans, scores, gaussian_from=(0.5, 0.4), **options)
    expected = [0.9, 0.8 * math.exp(-(0.8**2) / 0.4), 0.7]
    assert result[0].tolist() == pytest.approx(expected)
    result = batched_moment_nms(spans, scores, gaussian_from=(0.5, 0.8), **options)
    assert torch.equal(result, scores)


def test_linear_threshold():
    spans = torch.tensor([[[0.0, 4.0], [0.0, 2.0], [3.0, 5.0]]])
    scores = torch.tensor([[0.9, 0.8, 0.5]])
    result = batched_moment_nms(spans, scores, kind='linear', iou_threshold=0.5)
    assert result[0].tolist() == pytest.approx([0.9, 0.4, 0.5])


def test_only_moments_of_one_label_suppress_each_other():
    spans = torch.tensor([[0.0, 4.0], [0.0, 4.0], [0.0, 4.0], [9.0, 9.5]])
    scores, labels = torch.tensor([0.2, 0.9, 0.8, 0.1]), torch.tensor([7, 3, 7, 3])
    kept, new, index = moment_nms(spans, scores, labels)
    assert index.tolist() == [1, 2, 3]
    assert torch.equal(new, scores[index]) and torch.equal(kept, spans[index])
    assert moment_nms(spans, scores)[2].tolist() == [1, 3]
    assert moment_nms(spans, scores, labels, max_num=1)[2].tolist() == [1]


def test_floor_leaves_the_best():
    spans = torch.tensor([[0.0, 4.0], [5.0, 6.0]])
    scores = torch.tensor([0.02, 0.01])
    assert moment_nms(spans, scores, min_score=0.5)[2].tolist() == [0]
    empty = moment_nms(spans[:0], scores[:0])
    assert [len(part) for part in empty] == [0, 0, 0]


def test_voting_moves_spans_to_the_mean_of_their_like():
    spans = torch.tensor([[0.0, 4.0], [0.0, 5.0], [20.0, 20.0]], dtype=torch.float64)
    scores = torch.tensor([0.6, 0.4, 0.1], dtype=torch.float64)
    kept, _, index = moment_nms(spans, scores, voting_threshold=0.7)
    assert index.tolist() == [0, 2]
    weights = [0.6, 0.4 * 0.8]
    end = (4 * weights[0] + 5 * weights[1]) / sum(weights)
    assert kept[0].tolist() == pytest.approx([0, end])
    assert kept[1].tolist() == [20, 20]  # without length: nothing to vote
    labels = torch.tensor([0, 1, 0])
    kept = moment_nms(spans, scores, labels, voting_threshold=0.7)[0]
    assert kept[0].tolist() == [0, 4]


def test_floor_and_vote_include_their_value():
    spans = torch.tensor([[0.0, 4.0], [0.0, 2.0], [8.0, 9.0]])
    scores = torch.tensor([1.0, 0.5, 0.5])
    options = dict(kind='hard', iou_threshold=0.9)
    assert moment_nms(spans, scores, min_score=0.5, **options)[2].tolist() == [0, 1, 2]
    kept = moment_nms(spans, scores, voting_threshold=0.5, **options)[0]
    # IoU 0.5, so the second span counts with 0.5 x 0.5.
    assert kept[0].tolist() == pytest.approx([0, (4 + 0.25 * 2) / 1.25])


def test_defaults_of_each_kind():
    # IoU 0.5 and 0.75 with the first.
    spans = torch.tensor([[[4.0, 8.0], [4.0, 6.0], [4.0, 7.0]]])
    scores = torch.tensor([[1.0, 0.5, 0.25]])
    result = {kind: batched_moment_nms(spans, scores, kind=kind) for kind in _KINDS}
    assert result['hard'][0].tolist() == [1.0, 0.5, 0.0]
    # The second lowers the third, too: IoU 2 / 3.
    assert result['linear'][0].tolist() == pytest.approx([1, 0.25, 0.25 / 4 / 3])
    rest = [0.5 * math.exp(-0.5), 0.25 * math.exp(-1.125 - 8 / 9)]
    assert result['gaussian'][0].tolist() == pytest.approx([1, *rest])


def test_gaussian_starts_at_its_limit_which_counts_lengths():
    spans = torch.tensor([[[8.0, 12.0], [8.0, 10.0]]])
    scores = torch.tensor([[1.0, 0.5]])
    options = dict(kind='gaussian', sigma=0.5)
    # The limit is 0.25 + 4 / 16 = 0.5, the IoU of both.
    result = batched_moment_nms(spans, scores, gaussian_from=(0.25, 1 / 16), **options)
    assert result[0].tolist() == pytest.approx([1, 0.5 * math.exp(-0.5)])


def test_official_ties_keep_what_is_at_the_threshold():
    spans, scores = torch.tensor([[[0.0, 4.0], [0.0, 2.0]]]), torch.tensor([[1.0, 0.5]])
    options = dict(kind='hard', iou_threshold=0.5)
    kept = batched_moment_nms(spans, scores, official_ties=True, **options)
    assert kept.tolist() == [[1.0, 0.5]]
    assert batched_moment_nms(spans, scores, **options).tolist() == [[1.0, 0.0]]
    options['iou_threshold'] = 0.49
    kept = batched_moment_nms(spans, scores, official_ties=True, **options)
    assert kept.tolist() == [[1.0, 0.0]]


def test_masked_rows_neither_change_nor_are_changed():
    spans = torch.tensor([[[0.0, 4.0], [0.0, 4.0], [0.0, 4.0]]])
    scores, mask = torch.tensor([[0.5, 0.4, 0.9]]), torch.tensor([[True, True, False]])
    result = batched_moment_nms(spans, scores, mask)
    assert torch.equal(result, torch.tensor([[0.5, 0.0, 0.9]]))
