"""Highlight detection of QVHighlights, YouTube Highlights and TVSum."""

from typing import Dict, List, Sequence

import numpy as np

from .average_precision import by_blocks, clip_ap, trapezoid_ap
from .packing import (
    SubmissionError,
    check_same_qids,
    field_of,
    index_by_qid,
    needed,
    pad_rows,
    percent,
)

#: Lowest score (0 to 4) at which an annotator's clip counts as positive.
LEVELS = {'Fair': 2, 'Good': 3, 'VeryGood': 4}


def evaluate_highlights(
    submission: Sequence[dict], ground_truth: Sequence[dict], clip_length: float = 2.0
) -> Dict[str, dict]:
    """Highlights as the official QVHighlights evaluator scores them.

    mAP is the mean over queries and annotators of :func:`clip_ap`; longer predictions
    are cut, shorter ones filled with score 0. Hit1 asks whether the best clip of the
    prediction as it was given is positive for any annotator.

    Args:
        submission (Sequence[dict]): ``qid`` and ``pred_saliency_scores``, one number a
            clip.
        ground_truth (Sequence[dict]): ``qid``, ``duration`` (s), ``relevant_clip_ids``
            and ``saliency_scores``, one row of annotators' scores a relevant clip.
        clip_length (float): Seconds a clip.

    Returns:
        dict: ``HL-min-{Fair,Good,VeryGood}`` -> ``HL-mAP``, ``HL-Hit1``, percentages
        with two decimals.

    Raises:
        SubmissionError: If the queries differ, or a list is empty or malformed.
    """
    pred_of = index_by_qid(submission, 'submission')
    gt_of = index_by_qid(ground_truth, 'ground truth')
    check_same_qids(pred_of, gt_of)
    qids = list(gt_of)
    name = 'pred_saliency_scores'
    pred = pad_rows(field_of([pred_of[qid] for qid in qids], name), qids, 0, name)
    truth, mask = _stack([annotated_clips(gt_of[qid], clip_length) for qid in qids])

    common = min(pred.values.shape[1], mask.shape[1])
    scores = np.zeros(mask.shape)
    scores[:, :common] = pred.values[:, :common]
    top = np.where(pred.mask, pred.values, -np.inf).argmax(axis=1)
    inside = top < mask.sum(axis=1)
    top = np.minimum(top, mask.shape[1] - 1)

    results = {}
    for level, lowest in LEVELS.items():
        positive = truth >= lowest
        ap = by_blocks(clip_ap, scores, positive, mask)
        hit = positive[np.arange(len(qids)), :, top].any(axis=1) & inside
        results[f'HL-min-{level}'] = {
            'HL-mAP': percent(ap.mean()),
            'HL-Hit1': percent(hit.mean()),
        }
    return results


def annotated_clips(entry: dict, clip_length: float) -> np.ndarray:
    """All annotators' scores of all clips; clips that are not relevant get 0.

    Args:
        entry (dict): ``qid``, ``duration``, ``relevant_clip_ids``, ``saliency_scores``.
        clip_length (float): Seconds a clip.

    Returns:
        ndarray: (T, A) with T = int(duration / clip_length), or more if a relevant clip
        lies behind it.

    Raises:
        SubmissionError: If the ids and scores do not fit together.
    """
    ids = np.asarray(needed(entry, 'relevant_clip_ids'), dtype=int)
    try:
        rows = np.asarray(needed(entry, 'saliency_scores'), dtype=float)
    except (TypeError, ValueError):
        rows = np.zeros(0)
    if rows.ndim != 2 or len(rows) != len(ids):
        raise SubmissionError(
            f'qid {entry["qid"]!r}: saliency_scores must have one row of annotators a '
            f'relevant clip ({len(ids)} of them)'
        )
    length = max(int(needed(entry, 'duration') / clip_length), ids.max(initial=-1) + 1)
    scores = np.zeros((length, rows.shape[1]))
    scores[ids] = rows
    return scores


def _stack(truth: List[np.ndarray]) -> tuple:
    """[(T_q, A)] -> (Q, A, T) scores and (Q, T) mask.

    Raises:
        SubmissionError: Numbers of annotators differ.
    """
    annotators = {scores.shape[1] for scores in truth}
    if len(annotators) != 1:
        raise SubmissionError(
            f'ground truth: queries have {sorted(annotators)} annotators; the mean '
            'over annotators needs the same number everywhere'
        )
    lengths = np.array([len(scores) for scores in truth])
    mask = np.arange(max(lengths.max(), 1)) < lengths[:, None]
    stacked = np.zeros((*mask.shape, annotators.pop()))
    stacked[mask] = np.concatenate(truth)
    return stacked.transpose(0, 2, 1), mask


def youtube_ap(scores: np.ndarray, labels: np.ndarray) -> float:
    """AP of one YouTube Highlights video, as a fraction.

    Args:
        scores (ndarray): (T,) predicted; equal scores keep their order.
        labels (ndarray): (T',) 1 highlight, 0 unclear, -1 not. The longer is cut.

    Returns:
        float: In [0, 1]; 0 if no clip is a highlight.
    """
    ranked = _ranked(scores, np.asarray(labels).reshape(-1, 1) > 0)
    return float(trapezoid_ap(ranked)[0])


def tvsum_ap(scores: np.ndarray, annotation: np.ndarray, top_k: int = 5) -> np.ndarray:
    """Top-k AP of one TVSum video for each annotator, as fractions.

    A clip is positive if its score is above the annotator's median over the video, the
    lower one for an even number of clips. Only the best ``top_k`` clips count, and
    recall is over the positives among these.

    Args:
        scores (ndarray): (T,) predicted; equal scores keep their order.
        annotation (ndarray): (T', A) annotators' scores. The longer is cut, after the
            medians are taken.
        top_k (int): Number of clips.

    Returns:
        ndarray: (A,) in [0, 1].
    """
    annotation = np.asarray(annotation)
    median = np.sort(annotation, axis=0)[(len(annotation) - 1) // 2]
    return trapezoid_ap(_ranked(scores, annotation > median)[:, :top_k])


def _ranked(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """(A, T) labels in the order of falling scores, from (T,) and (T', A).

    Raises:
        SubmissionError: Scores are not finite.
    """
    scores = np.asarray(scores, dtype=float)
    if not np.isfinite(scores).all():
        raise SubmissionError('predicted saliency has entries that are not finite')
    order = (-scores[: len(positive)]).argsort(kind='stable')
    return positive[order].T
