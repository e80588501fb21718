"""Video summaries: the knapsack, the shots, the F-score."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvtg.evaluation.functional import (
    SubmissionError,
    evaluate_video_highlights,
    knapsack,
    select_summary,
    summary_f1,
    video_summary_f1,
)
from mmvtg.evaluation.functional.summary import even_shots, spread_scores

_items = st.lists(
    st.tuples(st.integers(0, 6).map(float), st.integers(1, 7)), max_size=7
)


@settings(max_examples=200, deadline=None)
@given(_items, st.integers(0, 20))
def test_knapsack_is_as_good_as_trying_everything(items, capacity):
    values, sizes = [v for v, _ in items], [s for _, s in items]
    best = max(
        sum(v for v, use in zip(values, chosen) if use)
        for chosen in itertools.product([False, True], repeat=len(items))
        if sum(s for s, use in zip(sizes, chosen) if use) <= capacity
    )
    chosen = knapsack(values, sizes, capacity)
    assert sum(np.array(sizes)[chosen]) <= capacity if len(items) else True
    assert sum(np.array(values)[chosen]) == best if len(items) else not best


def test_knapsack_leaves_out_what_is_worth_nothing_and_the_last_of_equals():
    assert knapsack([0, 1, 1], [1, 1, 1], 2).tolist() == [False, True, True]
    assert knapsack([2, 2], [1, 1], 1).tolist() == [True, False]


def test_a_shot_is_worth_the_mean_of_its_frames():
    # 20 frames hold 3: the second shot fits alone, and beats two of the last kind.
    scores = np.zeros(20)
    scores[4:7] = [0, 9, 3]
    scores[[10, 12]] = 1
    shots = [[0, 4], [4, 7], [7, 10], [10, 11], [11, 12], [12, 20]]
    assert np.flatnonzero(select_summary(scores, shots)).tolist() == [4, 5, 6]


def test_order_decides_where_all_scores_are_negative():
    scores = np.full(20, -5.0)
    scores[8:10] = -1
    assert np.flatnonzero(select_summary(scores, even_shots(20, 2))).tolist() == [8, 9]


def slow_f1(summary, annotated):
    shared = sum(a and b for a, b in zip(summary, annotated))
    if not shared:
        return 0.0
    precision, recall = shared / sum(summary), shared / sum(annotated)
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize('seed', range(3))
def test_f1_equals_the_loop(seed):
    rng = np.random.default_rng(seed)
    summary, users = rng.random(30) < 0.3, rng.random((4, 30)) < 0.3
    users[3] = False
    expected = [slow_f1(summary, user) for user in users]
    np.testing.assert_allclose(summary_f1(summary, users), expected, atol=1e-12)


def test_summary_is_fitted_to_the_annotation():
    users = [[True, False, True]]
    assert summary_f1([True, False, True, True], users)[0] == 1
    assert summary_f1([True], users)[0] == pytest.approx(2 / 3)


def test_same_scores_make_the_same_summary():
    rng = np.random.default_rng(0)
    annotation = rng.random((40, 3))
    values = video_summary_f1(annotation[:, 1] * 3, annotation, shot_length=2)
    assert values[1] == pytest.approx(1) and values[[0, 2]].max() < 1


def test_scores_hold_until_the_next_pick():
    spread = spread_scores([5, 6, 7], np.array([1, 3]), 6)
    assert spread.tolist() == [0, 5, 5, 6, 6, 6]


def test_shots_outside_of_the_video_are_refused():
    with pytest.raises(ValueError, match=r'shot \[8, 12\].*10 frames'):
        select_summary(np.ones(10), [[0, 8], [8, 12]])


def _gt(qid, domain, **labels):
    return dict(qid=qid, domain=domain, **labels)


def test_mean_over_domains_and_annotators_own_summaries():
    user = [[0] * 17 + [1] * 3, [1] * 3 + [0] * 17]
    truth = [
        _gt('a', 'x', user_summary=user, picks=[0, 17]),
        _gt('b', 'y', user_summary=user),
        _gt('c', 'y', user_summary=user),
    ]
    tail, head = [0.0] * 17 + [1.0] * 3, [0.0] * 8 + [1.0] * 3 + [0.0] * 9
    submission = [
        dict(qid='a', pred_saliency_scores=[0, 1]),
        dict(qid='b', pred_saliency_scores=tail),
        dict(qid='c', pred_saliency_scores=head),
    ]
    result = evaluate_video_highlights(submission, truth, 'summary')
    assert result == {
        'brief': {'F1': 37.5},
        'domains': {'x': {'F1': 50}, 'y': {'F1': 25}},
    }
    best = evaluate_video_highlights(submission, truth, 'summary', best_annotator=True)
    assert best['domains'] == {'x': {'F1': 100}, 'y': {'F1': 50}}


def test_highlight_protocols_of_a_submission():
    truth = [_gt('a', 'dog', match=[1, -1]), _gt('b', 'dog', match=[1, -1])]
    submission = [
        dict(qid='a', pred_saliency_scores=[3, 1]),
        dict(qid='b', pred_saliency_scores=[1, 3]),
    ]
    result = evaluate_video_highlights(submission, truth, 'youtube')
    assert result['brief'] == {'mAP': 62.5}
    with pytest.raises(SubmissionError, match='qid \'a\' has no "label"'):
        evaluate_video_highlights(submission, [_gt('a', 'x'), _gt('b', 'x')])
    submission[1]['pred_saliency_scores'] = [1, None]
    with pytest.raises(SubmissionError, match="qid 'b'.*finite"):
        evaluate_video_highlights(submission, truth, 'youtube')
    with pytest.raises(ValueError, match="'summe' is unknown"):
        evaluate_video_highlights(submission[:1], truth[:1], 'summe')
