"""Highlight metrics: lengths, ties, medians, bad input."""

import random

import numpy as np
import pytest

from mmvtg.evaluation.functional import (
    SubmissionError,
    evaluate_highlights,
    evaluate_video_highlights,
    tvsum_ap,
    youtube_ap,
)


def _pred(qid, scores):
    return dict(qid=qid, pred_saliency_scores=list(scores))


def _gt(qid, duration, rows):
    """rows: {clip: [scores of the annotators]}."""
    return dict(
        qid=qid,
        duration=duration,
        relevant_clip_ids=list(rows),
        saliency_scores=list(rows.values()),
    )


def slow_highlights(preds, truth, lowest):
    from test_average_precision import slow_clip_ap

    aps, hits = [], []
    for pred, gt in zip(preds, truth):
        scores = pred['pred_saliency_scores']
        table = [[0, 0, 0] for _ in range(int(gt['duration'] / 2))]
        for clip, row in zip(gt['relevant_clip_ids'], gt['saliency_scores']):
            table[clip] = row
        filled = (scores + [0.0] * len(table))[: len(table)]
        for annotator in range(3):
            labels = [row[annotator] >= lowest for row in table]
            aps.append(slow_clip_ap(filled, labels))
        top = scores.index(max(scores))
        hits.append(top < len(table) and max(table[top]) >= lowest)
    return [float(f'{100 * np.mean(values):.2f}') for values in (aps, hits)]


@pytest.mark.parametrize('seed', range(3))
def test_equals_the_loop(seed):
    rng = random.Random(seed)
    preds, truth = [], []
    for qid in range(25):
        clips = rng.randint(3, 12)
        length = clips + rng.choice([-2, 0, 0, 1, 4])  # too short and too long, too
        preds.append(_pred(qid, [rng.randint(-4, 4) / 4 for _ in range(length)]))
        relevant = sorted(rng.sample(range(clips), rng.randint(1, clips)))
        rows = {clip: [rng.randint(0, 4) for _ in range(3)] for clip in relevant}
        truth.append(_gt(qid, 2 * clips + rng.choice([0, 1]), rows))
    result = evaluate_highlights(preds, truth)
    for level, lowest in dict(Fair=2, Good=3, VeryGood=4).items():
        mean_ap, hit = slow_highlights(preds, truth, lowest)
        entry = result[f'HL-min-{level}']
        assert entry['HL-mAP'] == pytest.approx(mean_ap, abs=0.0101)
        assert entry['HL-Hit1'] == hit


def test_missing_clips_score_zero_and_outrank_negative_ones():
    # The positive clip is the one that was not predicted.
    result = evaluate_highlights([_pred(0, [-1, -2])], [_gt(0, 6, {2: [4, 4, 4]})])
    assert result['HL-min-VeryGood'] == {'HL-mAP': 100, 'HL-Hit1': 0}


def test_best_clip_behind_the_annotation_is_a_miss():
    result = evaluate_highlights([_pred(0, [1, 0, 0, 9])], [_gt(0, 6, {0: [4, 4, 4]})])
    assert result['HL-min-Fair'] == {'HL-mAP': 100, 'HL-Hit1': 0}


def test_hit_needs_one_annotator_only():
    result = evaluate_highlights([_pred(0, [1, 0])], [_gt(0, 4, {0: [0, 0, 3]})])
    assert result['HL-min-Good']['HL-Hit1'] == 100
    assert result['HL-min-Good']['HL-mAP'] == 33.33  # two annotators have no positive


@pytest.mark.parametrize(
    'scores, message', [([], 'qid 7: pred_sal.* is empty'), ([1, np.nan], 'qid 7.*nan')]
)
def test_bad_scores_name_the_query(scores, message):
    with pytest.raises(SubmissionError, match=message):
        evaluate_highlights([_pred(7, scores)], [_gt(7, 4, {0: [1, 2, 3]})])


def test_annotation_rows_must_fit_the_clips():
    bad = dict(qid=7, duration=4, relevant_clip_ids=[0, 1], saliency_scores=[[1, 2, 3]])
    with pytest.raises(SubmissionError, match='qid 7.*2 of them'):
        evaluate_highlights([_pred(7, [1, 2])], [bad])


def test_youtube_counts_unclear_clips_as_negative():
    # Ranking: unclear, highlight. P = 1/2 at R = 1: (0 + 1/2) / 2.
    assert youtube_ap([2, 1], [0, 1]) == pytest.approx(0.25)
    assert youtube_ap([2, 1], [-1, 0]) == 0


def test_tvsum_takes_the_lower_median_and_the_top_k():
    # Lower median of 1 1 2 3 is 1: the clips of 2 and 3 are positive.
    annotation = np.array([[1], [1], [2], [3]])
    assert tvsum_ap([4, 3, 2, 1], annotation, top_k=2)[0] == 0
    assert tvsum_ap([1, 2, 3, 4], annotation, top_k=2)[0] == 1


def test_longer_of_prediction_and_annotation_is_cut():
    assert youtube_ap([3, 2, 1, 9], [1, -1, -1]) == 1
    assert youtube_ap([3, 2], [1, -1, 1]) == 1


@pytest.mark.parametrize('field', ['duration', 'relevant_clip_ids'])
def test_missing_fields_of_the_annotation_are_named(field):
    bad = dict(_gt(7, 4, {0: [1, 2, 3]}))
    del bad[field]
    with pytest.raises(SubmissionError, match=f'qid 7 has no "{field}"'):
        evaluate_highlights([_pred(7, [1, 2])], [bad])


def test_many_equal_scores_keep_their_order():
    labels = np.array([1] * 20 + [-1] * 40)
    assert youtube_ap(np.zeros(60), labels) == 1
    assert youtube_ap(np.zeros(60), labels[::-1].copy()) < 0.6


def test_a_video_without_domain_is_of_the_only_one():
    truth = [dict(qid=0, match=[[1], [-1]])]
    submission = [dict(qid=0, pred_saliency_scores=[0.9, 0.1])]
    result = evaluate_video_highlights(submission, truth, 'youtube')
    assert list(result['domains']) == ['all']
