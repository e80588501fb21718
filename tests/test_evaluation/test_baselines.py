"""Predictions without watching."""

import numpy as np
import pytest

from mmvtg.evaluation.functional import (
    evaluate_submission,
    prior_predictions,
    whole_video_predictions,
)


def _gt(qid, duration, window):
    clips = list(range(int(window[0] // 2), int(window[1] // 2)))
    return dict(
        qid=qid,
        vid=f'v{qid}',
        duration=duration,
        relevant_windows=[window],
        relevant_clip_ids=clips,
        saliency_scores=[[4, 4, 4] for _ in clips],
    )


def test_whole_video_hits_only_long_moments():
    truth = [_gt(0, 40, [0, 40]), _gt(1, 40, [10, 14])]
    result = evaluate_submission(whole_video_predictions(truth), truth, 'retrieval')
    assert result['brief']['MR-full-R1@0.5'] == 50
    assert result['brief']['MR-full-mIoU'] == 55  # of 1 and 4 / 40


def test_prior_learns_where_moments_are_whatever_the_duration():
    train = [_gt(i, d, [0.5 * d, 0.75 * d]) for i, d in enumerate([40, 80, 120])]
    truth = [_gt(0, 160, [80, 120])]
    [entry] = prior_predictions(train, truth, top_k=3)
    assert entry['pred_relevant_windows'][0][:2] == [80, 120]
    scores = [row[2] for row in entry['pred_relevant_windows']]
    assert scores == sorted(scores, reverse=True) and len(scores) == 3
    saliency = np.array(entry['pred_saliency_scores'])
    assert len(saliency) == 80
    assert saliency[40:60].min() == 1 and saliency[:40].max() == 0


def test_second_prediction_covers_what_the_first_misses():
    train = [_gt(0, 40, [0, 10])] * 3 + [_gt(1, 40, [30, 40])] * 2
    [entry] = prior_predictions(train, [_gt(0, 40, [0, 10])], top_k=2)
    assert [row[:2] for row in entry['pred_relevant_windows']] == [[0, 10], [30, 40]]


def test_no_window_is_predicted_twice_and_scores_fall_evenly():
    train = [_gt(0, 40, [0, 10]), _gt(1, 40, [12, 20]), _gt(2, 40, [30, 40])]
    [entry] = prior_predictions(train, [_gt(0, 40, [0, 10])], top_k=5)
    windows = entry['pred_relevant_windows']
    assert len({tuple(row[:2]) for row in windows}) == 5
    assert [row[2] for row in windows] == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])


def test_nothing_to_learn_from_is_said():
    with pytest.raises(ValueError, match='no training query has relevant_windows'):
        prior_predictions([dict(qid=0, duration=3)], [])
