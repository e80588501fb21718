"""Laws of metrics: range, order, perfect and useless answers."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvtg.evaluation.functional.detection import evaluate_detections
from mmvtg.evaluation.functional.detection_files import flat_segments
from mmvtg.evaluation.functional.moment_retrieval import RETRIEVAL, evaluate_moments
from mmvtg.evaluation.functional.retrieval import evaluate_retrieval
from mmvtg.evaluation.functional.submission import evaluate_submission

seconds = st.integers(0, 148)
window = st.tuples(seconds, st.integers(1, 150)).map(lambda t: [t[0], min(150, sum(t))])
scored = st.tuples(window, st.floats(0, 1)).map(lambda t: [*t[0], t[1]])
query = st.tuples(
    st.lists(window, min_size=1, max_size=3), st.lists(scored, min_size=1, max_size=12)
)
queries = st.lists(query, min_size=1, max_size=4)


def files(data: list) -> tuple:
    truth, preds = [], []
    for qid, (windows, predicted) in enumerate(data):
        clips = sorted({int(start // 2) for start, _ in windows})
        truth.append(
            dict(
                qid=qid,
                vid=f'v{qid}',
                query='q',
                duration=150,
                relevant_windows=windows,
                relevant_clip_ids=clips,
                saliency_scores=[[4, 4, 3]] * len(clips),
            )
        )
        rng = np.random.default_rng(qid)
        preds.append(
            dict(
                qid=qid,
                vid=f'v{qid}',
                query='q',
                pred_relevant_windows=predicted,
                pred_saliency_scores=rng.normal(size=75).tolist(),
            )
        )
    return preds, truth


def numbers(node: object) -> list:
    if isinstance(node, dict):
        return [n for value in node.values() for n in numbers(value)]
    return [node] if isinstance(node, (int, float)) else []


@settings(max_examples=40, deadline=None)
@given(queries)
def test_all_numbers_are_percentages(data):
    preds, truth = files(data)
    found = numbers(evaluate_submission(preds, truth))
    found += numbers(evaluate_moments(preds, truth, RETRIEVAL))
    # the official evaluator says -1 where a range has no annotation
    assert found and all(value == -1 or 0 <= value <= 100 for value in found)


@settings(max_examples=25, deadline=None)
@given(queries, st.randoms(use_true_random=False))
def test_the_order_of_queries_does_not_matter(data, random):
    preds, truth = files(data)
    before = evaluate_submission(preds, truth)
    preds, truth = copy.deepcopy(preds), copy.deepcopy(truth)
    random.shuffle(preds)
    random.shuffle(truth)
    assert evaluate_submission(preds, truth) == before


@settings(max_examples=25, deadline=None)
@given(queries)
def test_the_annotation_itself_is_perfect(data):
    preds, truth = files(data)
    for pred, true in zip(preds, truth):
        unique = sorted({tuple(w) for w in true['relevant_windows']})
        true['relevant_windows'] = [list(w) for w in unique]
        pred['pred_relevant_windows'] = [[*w, 1.0] for w in unique]
    full = evaluate_moments(preds, truth)['full']
    assert full['MR-mAP']['average'] == 100
    assert set(full['MR-R1'].values()) == {100}


@settings(max_examples=25, deadline=None)
@given(queries)
def test_a_better_threshold_is_never_easier(data):
    full = evaluate_moments(*files(data), RETRIEVAL)['full']
    for name in ('MR-R1', 'MR-R5', 'MR-mAP'):
        by_iou = {float(k): v for k, v in full[name].items() if k != 'average'}
        values = [by_iou[k] for k in sorted(by_iou)]
        assert values == sorted(values, reverse=True), name
    for k, value in full['MR-R1'].items():
        assert value <= full['MR-R5'][k]


segment = st.tuples(
    st.sampled_from(['a', 'b']),
    st.sampled_from(['run', 'jump']),
    st.integers(0, 50),
    st.integers(1, 30),
)


@pytest.mark.filterwarnings('ignore:.*detections are')
@settings(max_examples=40, deadline=None)
@given(
    st.lists(segment, min_size=1, max_size=6),
    st.lists(segment, max_size=10, unique=True),
    st.randoms(use_true_random=False),
)
def test_detection_metrics(truth, found, random):
    truth = flat_segments([(v, c, s, s + n, 0.0) for v, c, s, n in truth])
    rows = [(v, c, s, s + n, 1 / (i + 2)) for i, (v, c, s, n) in enumerate(found)]
    results = evaluate_detections(truth, flat_segments(rows))
    for key in ('mAP', 'recall_1x', 'recall_5x'):
        assert all(-1e-12 <= v <= 1 + 1e-12 for v in results[key].values())
    shuffled = rows[:]
    random.shuffle(shuffled)
    again = evaluate_detections(truth, flat_segments(shuffled))
    assert again['mAP'] == results['mAP'] and again['recall_5x'] == results['recall_5x']


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**31 - 1))
def test_retrieval(count, seed):
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=(count, 4)), rng.normal(size=(count, 4))
    groups = list(range(count))
    results = evaluate_retrieval(one, two, groups, groups)
    order = rng.permutation(count)
    again = evaluate_retrieval(one[order], two[order], order.tolist(), order.tolist())
    assert results == again
    for name, value in results.items():
        low, high = (1, count) if 'MdR' in name or 'median' in name else (0, 100)
        assert low <= value <= high, name
