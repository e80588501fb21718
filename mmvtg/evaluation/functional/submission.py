"""A whole submission against a whole annotation file."""

from dataclasses import fields, replace
from typing import Any, Dict, List, Sequence, Union

from .highlight import evaluate_highlights
from .moment_retrieval import (
    EGO4D,
    QVHIGHLIGHTS,
    RECALL,
    RETRIEVAL,
    MomentProtocol,
    evaluate_moments,
)
from .packing import SubmissionError, check_same_qids, index_by_qid

PROTOCOLS = {
    'qvhighlights': QVHIGHLIGHTS,
    'retrieval': RETRIEVAL,
    'recall': RECALL,
    'ego4d': EGO4D,
}
#: Thresholds that the short summary shows of a long list.
_BRIEF_RECALL = ('0.3', '0.5', '0.7')


def moment_protocol(protocol: Union[str, dict, MomentProtocol]) -> MomentProtocol:
    """A protocol by its name, or one that departs from it.

    Args:
        protocol (str | dict | MomentProtocol): A name of :data:`PROTOCOLS`, or a dict
            of ``name`` and the fields to change, such as ``dict(name='recall',
            strict=True, recall_at=(1, 5, 10))``.

    Raises:
        ValueError: If the name or a field is unknown.
    """
    if isinstance(protocol, MomentProtocol):
        return protocol
    changes: Dict[str, Any] = {}
    if not isinstance(protocol, str):
        changes = dict(protocol)
        protocol = changes.pop('name', None)
    if protocol not in PROTOCOLS:
        raise ValueError(
            f"evaluation protocol '{protocol}' is unknown; choose one of "
            f'{sorted(PROTOCOLS)}'
        )
    known = [field.name for field in fields(MomentProtocol)]
    unknown = [key for key in changes if key not in known]
    if unknown:
        raise ValueError(
            f"evaluation protocol '{protocol}' has no field '{unknown[0]}'; it has "
            f'{known}'
        )
    return replace(PROTOCOLS[protocol], **changes)


def evaluate_submission(
    submission: Sequence[dict],
    ground_truth: Sequence[dict],
    protocol: Union[str, dict, MomentProtocol] = 'qvhighlights',
    clip_length: float = 2.0,
) -> Dict[str, dict]:
    """Moments and highlights of a submission, whichever both files have.

    Queries without annotated windows are left out of the moment part, queries without
    annotated saliency out of the highlight part.

    Args:
        submission (Sequence[dict]): One dict a query: ``qid``,
            ``pred_relevant_windows`` and / or ``pred_saliency_scores``.
        ground_truth (Sequence[dict]): One dict a query: ``qid``, ``duration``,
            ``relevant_windows`` and / or ``relevant_clip_ids`` with
            ``saliency_scores``.
        protocol (str | dict | MomentProtocol): 'qvhighlights' (the official
            evaluator), 'retrieval' (its variant by UniVTG and R2-Tuning, with R5 and
            mIoU), 'recall' (R1, R5 and mIoU alone), 'ego4d' (strict recall), or one of
            these with changes, see :func:`moment_protocol`.
        clip_length (float): Seconds per clip of the saliency.

    Returns:
        dict: ``brief`` (flat), the length ranges, the saliency levels. All are
        percentages with two decimals.

    Raises:
        SubmissionError: If something is missing or malformed, with the qid.
        ValueError: If the protocol is unknown.
    """
    protocol = moment_protocol(protocol)
    pred_of = index_by_qid(submission, 'submission')
    gt_of = index_by_qid(ground_truth, 'ground truth')
    if not gt_of:
        raise SubmissionError('ground truth: there is no query in it')
    check_same_qids(pred_of, gt_of)
    moments, highlights = {}, {}
    part = _annotated(gt_of, 'relevant_windows')
    if part and _predicted(pred_of, 'pred_relevant_windows'):
        chosen = [pred_of[entry['qid']] for entry in part]
        moments = evaluate_moments(chosen, part, protocol)
    part = _annotated(gt_of, 'saliency_scores')
    if part and _predicted(pred_of, 'pred_saliency_scores'):
        chosen = [pred_of[entry['qid']] for entry in part]
        highlights = evaluate_highlights(chosen, part, clip_length)
    brief = {**_brief_moments(moments), **_brief_highlights(highlights)}
    return {'brief': brief, **highlights, **dict(sorted(moments.items()))}


def _annotated(gt_of: dict, key: str) -> list:
    return [entry for entry in gt_of.values() if entry.get(key)]


def _predicted(pred_of: dict, key: str) -> bool:
    return any(entry.get(key) is not None for entry in pred_of.values())


def _brief_moments(moments: Dict[str, dict]) -> Dict[str, float]:
    brief = {}
    full = moments.get('full', {})
    for key, recall in full.items():
        if key.startswith('MR-R'):
            shown = brief_thresholds(recall)
            brief.update({f'MR-full-{key[3:]}@{t}': recall[t] for t in shown})
    for threshold in ('0.5', '0.75'):
        if 'MR-mAP' in full:
            brief[f'MR-full-mAP@{threshold}'] = full['MR-mAP'][threshold]
    for name, part in moments.items():
        if 'MR-mAP' in part:
            brief[f'MR-{name}-mAP'] = part['MR-mAP']['average']
        if 'MR-mIoU' in part:
            brief[f'MR-{name}-mIoU'] = part['MR-mIoU']
    return dict(sorted(brief.items()))


def brief_thresholds(recall: Dict[str, float]) -> List[str]:
    """All IoU thresholds of a recall, or the usual three of a long list."""
    usual = [threshold for threshold in _BRIEF_RECALL if threshold in recall]
    return usual if usual and len(recall) > 5 else list(recall)


def _brief_highlights(highlights: Dict[str, dict]) -> Dict[str, float]:
    return {
        f'{name}-{key[3:]}': value
        for name, part in highlights.items()
        for key, value in part.items()
    }
