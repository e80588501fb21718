"""The vectorised average precisions against obvious loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvtg.evaluation.functional import clip_ap, detection_ap, trapezoid_ap
from mmvtg.evaluation.functional.moment_retrieval import window_iou

THRESHOLDS = (0.3, 0.5, 0.75, 1.0)


def slow_iou(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    return inter / union if union > 0 else 0.0


def slow_detection_ap(windows, truth, threshold):
    """Walk down the ranking; each annotated window can be taken once."""
    windows = sorted(windows, key=lambda w: -w[2])
    taken, found, points = set(), 0, []
    for rank, window in enumerate(windows, 1):
        overlaps = [slow_iou(window, gt) for gt in truth]
        # Best overlap first, the later window first among equals.
        for index in sorted(range(len(truth)), key=lambda i: (-overlaps[i], -i)):
            if overlaps[index] < threshold:
                break
            if index not in taken:
                taken.add(index)
                found += 1
                break
        points.append((found / len(truth), found / rank))
    area, before = 0.0, 0.0
    for index, (recall, _) in enumerate(points):
        area += (recall - before) * max(p for _, p in points[index:])
        before = recall
    return area


def slow_clip_ap(scores, labels):
    """One point per distinct score; the mean over points that raise recall."""
    if not any(labels):
        return 0.0
    if all(labels):
        return 1.0
    points = []
    for threshold in sorted(set(scores), reverse=True):
        chosen = [y for s, y in zip(scores, labels) if s >= threshold]
        points.append((sum(chosen), sum(chosen) / len(chosen)))
    values, before = [], 0
    for index, (found, _) in enumerate(points):
        if found != before:
            values.append(max(p for _, p in points[index:]))
        before = found
    return sum(values) / len(values)


def slow_trapezoid_ap(labels):
    if not any(labels):
        return 0.0
    area, hits, recall, precision = 0.0, 0, 0.0, 1.0
    for rank, label in enumerate(labels, 1):
        hits += label
        area += (hits / sum(labels) - recall) * (precision + hits / rank) / 2
        recall, precision = hits / sum(labels), hits / rank
    return area


# Whole seconds and few distinct scores: ties everywhere, zero-length windows too.
_window = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)
_scored = st.tuples(_window, st.integers(-2, 3)).map(lambda p: [*p[0], float(p[1])])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(_scored, min_size=1, max_size=6),
            st.lists(_window, min_size=1, max_size=5),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_detection_ap_equals_the_loop(queries):
    ranks = max(len(p) for p, _ in queries)
    count = max(len(g) for _, g in queries)
    pred, gt = np.zeros((len(queries), ranks, 3)), np.zeros((len(queries), count, 2))
    pred_mask, gt_mask = np.zeros(pred.shape[:2], bool), np.zeros(gt.shape[:2], bool)
    for q, (windows, truth) in enumerate(queries):
        pred[q, : len(windows)], pred_mask[q, : len(windows)] = windows, True
        gt[q, : len(truth)], gt_mask[q, : len(truth)] = truth, True
    iou = window_iou(pred[..., :2], gt)
    result = detection_ap(iou, pred[..., 2], pred_mask, gt_mask, THRESHOLDS)
    expected = [[slow_detection_ap(p, g, t) for t in THRESHOLDS] for p, g in queries]
    np.testing.assert_allclose(result, expected, atol=1e-12)


_clips = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=9)


@settings(max_examples=200, deadline=None)
@given(st.lists(_clips, min_size=1, max_size=4))
def test_clip_ap_equals_the_loop(queries):
    longest = max(map(len, queries))
    scores = np.zeros((len(queries), longest))
    labels = np.zeros((len(queries), 1, longest), bool)
    mask = np.zeros(scores.shape, bool)
    for q, clips in enumerate(queries):
        scores[q, : len(clips)] = [s for s, _ in clips]
        labels[q, 0, : len(clips)] = [y for _, y in clips]
        mask[q, : len(clips)] = True
    expected = [slow_clip_ap(*zip(*clips)) for clips in queries]
    result = clip_ap(scores, labels, mask)[:, 0]
    np.testing.assert_allclose(result, expected, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_trapezoid_ap_equals_the_loop(labels):
    assert trapezoid_ap(labels) == pytest.approx(slow_trapezoid_ap(labels))


def test_tied_positives_count_once():
    # The two positives at 0.9 are one threshold of precision 1, the third has 3 / 4.
    scores, labels = [[0.9, 0.9, 0.5, 0.1]], [[[1, 1, 0, 1]]]
    mask = np.ones((1, 4), bool)
    ap = clip_ap(np.array(scores), np.array(labels, bool), mask)
    assert ap[0, 0] == pytest.approx((1 + 0.75) / 2)


def test_equal_overlap_takes_the_later_annotation():
    # [2, 6] overlaps both equally and takes the second; only the first is left for
    # [0, 4], which hits it. Had it taken the first, [0, 4] would miss.
    iou = window_iou(np.array([[[2, 6], [0, 4]]]), np.array([[[0, 4], [4, 8]]]))
    mask = np.ones((1, 2), bool)
    ap = detection_ap(iou, np.array([[0.9, 0.8]]), mask, mask, [0.3])
    assert ap[0, 0] == 1
