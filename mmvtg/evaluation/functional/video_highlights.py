"""Highlights and summaries of whole videos: YouTube Highlights, TVSum, SumMe."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from .highlight import tvsum_ap, youtube_ap
from .packing import SubmissionError, check_same_qids, field_of, index_by_qid, percent
from .summary import BUDGET, spread_scores, video_summary_f1

#: What each protocol's number is called.
VIDEO_PROTOCOLS = {'youtube': 'mAP', 'tvsum': 'mAP', 'summary': 'F1'}


def score_video(
    scores: np.ndarray,
    annotation: np.ndarray,
    protocol: str,
    top_k: int = 5,
    budget: float = BUDGET,
    shots: Optional[Sequence] = None,
    shot_length: int = 1,
    best_annotator: bool = False,
) -> np.ndarray:
    """One video by a protocol.

    Args:
        scores (ndarray): (T,) predicted, finite.
        annotation (ndarray): (T', A), or (T',) for one annotator.
        protocol (str): 'youtube' (one label a clip, positive if above 0), 'tvsum'
            (AP of the best ``top_k`` clips) or 'summary' (F-score).
        top_k (int): Used by 'tvsum'.
        budget (float): Used by 'summary': share of the video.
        shots (Sequence, optional): Used by 'summary': (n, 2).
        shot_length (int): Used by 'summary' where there are no shots.
        best_annotator (bool): Used by 'summary': the best annotator's value (SumMe)
            instead of all of them (TVSum).

    Returns:
        ndarray: (A,) fractions, or (1,).

    Raises:
        ValueError: If the protocol is unknown.
    """
    if protocol not in VIDEO_PROTOCOLS:
        raise ValueError(
            f"highlight protocol '{protocol}' is unknown; choose one of "
            f'{sorted(VIDEO_PROTOCOLS)}'
        )
    annotation = np.asarray(annotation)
    if protocol == 'youtube':
        return np.array([youtube_ap(scores, annotation)])
    annotation = annotation.reshape(len(annotation), -1)
    if protocol == 'tvsum':
        return tvsum_ap(scores, annotation, top_k)
    values = video_summary_f1(scores, annotation, shots, budget, shot_length)
    return values.max(keepdims=True) if best_annotator else values


def evaluate_video_highlights(
    submission: Sequence[dict],
    ground_truth: Sequence[dict],
    protocol: str = 'tvsum',
    **options: Any,
) -> Dict[str, dict]:
    """Mean over annotators, videos of a domain, and domains.

    Args:
        submission (Sequence[dict]): ``qid`` and ``pred_saliency_scores``, one number a
            clip.
        ground_truth (Sequence[dict]): ``qid`` and ``label`` or ``match`` (a row a
            clip) or ``user_summary`` (a row of 0 and 1 an annotator). Where present,
            ``domain``, ``shots`` and ``picks`` (numbers of the annotated frames that
            the predicted scores belong to) are used.
        protocol (str): See :func:`score_video`.
        **options: ``top_k``, ``budget``, ``shot_length``, ``best_annotator``, likewise.

    Returns:
        dict: ``brief`` with the mean over domains, and ``domains`` with each one's,
        percentages.

    Raises:
        SubmissionError: If queries differ, or scores are missing or not finite.
        ValueError: If the protocol is unknown.
    """
    pred_of = index_by_qid(submission, 'submission')
    gt_of = index_by_qid(ground_truth, 'ground truth')
    check_same_qids(pred_of, gt_of)
    entries = [pred_of[qid] for qid in gt_of]
    domains: Dict[str, List[np.ndarray]] = {}
    for gt, scores in zip(gt_of.values(), field_of(entries, 'pred_saliency_scores')):
        annotation = _annotation(gt)
        scores = np.asarray(scores, dtype=float)
        if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
            raise SubmissionError(
                f'qid {gt["qid"]!r}: pred_saliency_scores must be finite numbers, one '
                'a clip, at least one'
            )
        if gt.get('picks') is not None:
            scores = spread_scores(scores, np.asarray(gt['picks']), len(annotation))
        value = score_video(
            scores, annotation, protocol, shots=gt.get('shots'), **options
        )
        domains.setdefault(str(gt.get('domain') or 'all'), []).append(value.mean())
    key = VIDEO_PROTOCOLS[protocol]
    means = {name: np.mean(values) for name, values in sorted(domains.items())}
    return {
        'brief': {key: percent(np.mean(list(means.values())))},
        'domains': {name: {key: percent(value)} for name, value in means.items()},
    }


def _annotation(gt: dict) -> np.ndarray:
    """(T, A) numbers or bool of a line of the ground truth.

    Raises:
        SubmissionError: It has none.
    """
    for name in ('label', 'match'):
        if gt.get(name) is not None:
            return np.asarray(gt[name])
    if gt.get('user_summary') is None:
        raise SubmissionError(
            f'ground truth: qid {gt["qid"]!r} has no "label", "match" or "user_summary"'
        )
    return np.atleast_2d(np.asarray(gt['user_summary'])).T > 0
