"""Moment retrieval metrics: values, ranges, conventions at the edge."""

import random

import numpy as np
import pytest

from mmvtg.evaluation.functional import (
    EGO4D,
    QVHIGHLIGHTS,
    RETRIEVAL,
    SubmissionError,
    evaluate_moments,
    evaluate_submission,
    moment_protocol,
)
from mmvtg.evaluation.functional.moment_retrieval import MAP_THRESHOLDS


def _pred(qid, *windows):
    return dict(qid=qid, pred_relevant_windows=[list(w) for w in windows])


def _gt(qid, *windows):
    return dict(qid=qid, relevant_windows=[list(w) for w in windows])


def slow_iou(a, b):
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    hull = max(a[1], b[1]) - min(a[0], b[0])
    return inter / hull if hull > 0 else 0.0


def slow_recall(preds, truth, k, threshold, low=0, high=float('inf'), strict=False):
    hits = []
    for pred, gt in zip(preds, truth):
        kept = [w for w in gt['relevant_windows'] if low < w[1] - w[0] <= high]
        if not kept:
            continue
        best = max(
            slow_iou(w, g) for w in pred['pred_relevant_windows'][:k] for g in kept
        )
        hits.append(best > threshold if strict else best >= threshold)
    return float(f'{100 * np.mean(hits):.2f}')


def _random_set(seed, count=40):
    rng = random.Random(seed)
    preds, truth = [], []
    for qid in range(count):
        spans = [sorted(rng.sample(range(60), 2)) for _ in range(rng.randint(1, 14))]
        windows = [(*span, rng.choice([-0.5, 0.2, 0.2, 0.9])) for span in spans]
        preds.append(_pred(qid, *windows))
        spans = [sorted(rng.sample(range(60), 2)) for _ in range(rng.randint(1, 4))]
        truth.append(_gt(qid, *spans))
    return preds, truth


@pytest.mark.parametrize('seed', range(3))
def test_recall_equals_the_loop_in_every_range(seed):
    preds, truth = _random_set(seed)
    result = evaluate_moments(preds, truth, RETRIEVAL)
    limits = dict(short=(0, 10), middle=(10, 30), long=(30, 999), full=(0, 999))
    for name, (low, high) in limits.items():
        for k in (1, 5):
            for threshold in (0.3, 0.5, 0.7):
                expected = slow_recall(preds, truth, k, threshold, low, high)
                assert result[name][f'MR-R{k}'][str(threshold)] == expected


@pytest.mark.parametrize('seed', range(3))
def test_map_equals_the_loop(seed):
    from test_average_precision import slow_detection_ap

    preds, truth = _random_set(seed)
    result = evaluate_moments(preds, truth, QVHIGHLIGHTS)['full']['MR-mAP']
    table = [
        [
            slow_detection_ap(p['pred_relevant_windows'][:10], g['relevant_windows'], t)
            for t in MAP_THRESHOLDS
        ]
        for p, g in zip(preds, truth)
    ]
    for threshold, value in zip(MAP_THRESHOLDS, np.mean(table, axis=0)):
        assert result[str(threshold)] == pytest.approx(100 * value, abs=0.0051)
    assert result['average'] == pytest.approx(100 * np.mean(table), abs=0.0051)


def test_order_of_queries_does_not_matter():
    preds, truth = _random_set(5)
    expected = evaluate_moments(preds, truth)
    assert evaluate_moments(preds[::-1], truth[7:] + truth[:7]) == expected


def test_recall_takes_the_first_window_and_map_the_best_score():
    truth = [_gt(0, [0, 20])]
    preds = [_pred(0, [30, 40, 0.1], [0, 20, 0.9])]
    full = evaluate_moments(preds, truth)['full']
    assert full['MR-R1']['0.5'] == 0
    assert full['MR-mAP']['0.5'] == 100


def test_map_looks_at_the_first_ten_windows_only():
    misses = [[30, 40, 0.1]] * 10
    full = evaluate_moments([_pred(0, *misses, [0, 20, 0.9])], [_gt(0, [0, 20])])
    assert full['full']['MR-mAP']['0.5'] == 0


def test_hit_at_the_threshold_depends_on_the_protocol():
    preds, truth = [_pred(0, [0, 10, 0.9])], [_gt(0, [0, 20])]  # IoU is 0.5
    assert evaluate_moments(preds, truth, RETRIEVAL)['full']['MR-R1']['0.5'] == 100
    strict = evaluate_moments(preds, truth, EGO4D)['full']
    assert strict['MR-R1'] == {'0.3': 100, '0.5': 0}
    assert strict['MR-mIoU'] == 50


def test_length_of_a_range_is_open_below_and_closed_above():
    preds = [_pred(0, [0, 10, 0.9])]
    assert set(evaluate_moments(preds, [_gt(0, [0, 10])])) == {'short', 'full'}
    assert set(evaluate_moments(preds, [_gt(0, [0, 11])])) == {'middle', 'full'}
    assert set(evaluate_moments(preds, [_gt(0, [0, 151])])) == {'full'}
    assert set(evaluate_moments(preds, [_gt(0, [5, 5])])) == {'full'}


def test_empty_range_is_the_full_set_for_the_retrieval_protocol():
    result = evaluate_moments([_pred(0, [0, 8, 0.9])], [_gt(0, [0, 8])], RETRIEVAL)
    assert result['long'] == result['full'] == result['middle']


def test_windows_without_length_do_not_hit():
    result = evaluate_moments([_pred(0, [5, 5, 0.9])], [_gt(0, [5, 5])], RETRIEVAL)
    assert result['full']['MR-mAP']['average'] == 0
    assert result['full']['MR-mIoU'] == 0


def test_integers_are_divided_as_numbers():
    full = evaluate_moments([_pred(0, [0, 6, 1])], [_gt(0, [0, 10])])['full']
    assert full['MR-mAP']['0.6'] == 100
    assert full['MR-mAP']['0.65'] == 0


@pytest.mark.parametrize(
    'preds, message',
    [
        ([_pred('a', [0, 1, 1])], r"1 of 2 queries are missing.*qid 'b'"),
        ([_pred(q, [0, 1, 1]) for q in 'abc'], r"not in the ground truth.*'c'"),
        ([_pred(q, [0, 1, 1]) for q in 'aba'], r"qid 'a' occurs more than once"),
        ([_pred('a', [0, 1, 1]), _pred('b')], r"qid 'b': pred_relevant_windows is em"),
        ([_pred('a', [0, 1, 1]), _pred('b', [0, 1, np.nan])], r"qid 'b'.*nan"),
        (
            [_pred('a', [0, 1, 1]), _pred('b', [0, 1])],
            r"qid 'b': pred_relevant_windows\[0\] = \[0, 1\] is not 3 numbers",
        ),
        (
            [_pred('a', [0, 1, 'x']), _pred('b', [0, 1, 1])],
            r"qid 'a': pred_relevant_windows\[0\].*is not 3 numbers",
        ),
        ([_pred('a', [0, 1, 1]), dict(qid='b')], r"qid 'b' has no \"pred_relevant"),
        ([dict(vid='v')], r'entry 1 has no "qid"'),
    ],
)
def test_bad_submissions_name_the_query(preds, message):
    with pytest.raises(SubmissionError, match=message):
        evaluate_moments(preds, [_gt('a', [0, 1]), _gt('b', [0, 1])])


@pytest.mark.parametrize('strict', [False, True])
def test_recall_protocol_has_any_rank_and_threshold(strict):
    preds, truth = _random_set(3)
    protocol = dict(
        name='recall',
        recall_at=(1, 3, 10),
        recall_thresholds=(0.1, 0.5, 0.6),
        strict=strict,
    )
    result = evaluate_moments(preds, truth, moment_protocol(protocol))
    assert set(result) == {'full'}
    assert set(result['full']) == {'MR-mIoU', 'MR-R1', 'MR-R3', 'MR-R10'}
    for k in (1, 3, 10):
        for threshold in (0.1, 0.5, 0.6):
            expected = slow_recall(preds, truth, k, threshold, strict=strict)
            assert result['full'][f'MR-R{k}'][str(threshold)] == expected
    brief = evaluate_submission(preds, truth, protocol)['brief']
    assert brief['MR-full-R10@0.6'] == result['full']['MR-R10']['0.6']


def test_recall_counts_more_ranks_than_map_looks_at():
    misses = [[30, 40, 0.5]] * 12
    preds, truth = [_pred(0, *misses, [0, 20, 0.1])], [_gt(0, [0, 20])]
    protocol = moment_protocol(dict(name='recall', recall_at=(12, 13)))
    full = evaluate_moments(preds, truth, protocol)['full']
    assert full['MR-R12']['0.1'] == 0 and full['MR-R13']['0.7'] == 100


def test_unknown_protocol_or_field_is_refused():
    with pytest.raises(ValueError, match="'charades' is unknown.*'recall'"):
        moment_protocol('charades')
    with pytest.raises(ValueError, match="no field 'iou'.*recall_thresholds"):
        moment_protocol(dict(name='recall', iou=(0.5,)))
