"""Moment retrieval: mAP, recall and mean IoU, by length of the annotated moments.

Windows are seconds. The IoU has two forms, as in the official QVHighlights evaluator:
mAP divides by ``length + length - intersection``; recall and mean IoU choose the
annotated window by that, and then divide by the hull of both windows. They agree up to
rounding, which decides at an IoU of exactly the threshold. Two windows without length
have IoU 0 (the official code divides 0 / 0).
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Dict, Optional, Sequence, Tuple

import numpy as np

from .average_precision import by_blocks, detection_ap
from .packing import check_same_qids, field_of, index_by_qid, pad_rows, percent

#: Only these many windows of a query are looked at by mAP, in submission order.
MAX_WINDOWS = 10
MAP_THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
_RANGES = {'short': (0.0, 10.0), 'middle': (10.0, 30.0)}


@dataclass(frozen=True)
class MomentProtocol:
    """What one evaluator of moment retrieval reports.

    Args:
        ranges (dict): Name -> (low, high): annotated windows with low < length <= high
            seconds are kept; None: all of them.
        recall_thresholds (tuple): IoU thresholds of recall.
        recall_at (tuple): Numbers k of first windows, one of which must hit.
        strict (bool): A hit needs IoU > threshold, not >=.
        with_map (bool): Report mAP.
        with_miou (bool): Report the mean IoU of the first window.
        empty_range (str): What a range without annotated windows reports: 'skip'
            (nothing) or 'full' (all windows).
    """

    ranges: Dict[str, Optional[Tuple[float, float]]]
    recall_thresholds: Tuple[float, ...]
    recall_at: Tuple[int, ...] = (1,)
    strict: bool = False
    with_map: bool = True
    with_miou: bool = False
    empty_range: str = 'skip'


#: The official QVHighlights evaluator.
QVHIGHLIGHTS = MomentProtocol(
    ranges={**_RANGES, 'long': (30.0, 150.0), 'full': None},
    recall_thresholds=MAP_THRESHOLDS,
)
#: Its variant by UniVTG and R2-Tuning, used for Charades-STA, TACoS and Ego4D-NLQ.
RETRIEVAL = MomentProtocol(
    ranges={**_RANGES, 'long': (30.0, np.inf), 'full': None},
    recall_thresholds=tuple(round(0.3 + 0.05 * i, 2) for i in range(14)),
    recall_at=(1, 5),
    with_miou=True,
    empty_range='full',
)
#: R@k, IoU=m and mean IoU alone, as papers on Charades-STA, TACoS and
#: ActivityNet-Captions print them. Most count an IoU of exactly m as a hit; for those
#: that do not, see `strict`.
RECALL = MomentProtocol(
    ranges={'full': None},
    recall_thresholds=(0.1, 0.3, 0.5, 0.7),
    recall_at=(1, 5),
    with_map=False,
    with_miou=True,
)
#: The official Ego4D-NLQ evaluator.
EGO4D = MomentProtocol(
    ranges={'full': None},
    recall_thresholds=(0.3, 0.5),
    recall_at=(1, 5),
    strict=True,
    with_map=False,
    with_miou=True,
)


def evaluate_moments(
    submission: Sequence[dict],
    ground_truth: Sequence[dict],
    protocol: MomentProtocol = QVHIGHLIGHTS,
) -> Dict[str, dict]:
    """Score predicted windows against annotated ones.

    Args:
        submission (Sequence[dict]): ``qid`` and ``pred_relevant_windows``, a list of
            [start s, end s, score]. The order counts: recall takes the first windows,
            mAP the first ten and then sorts these by score.
        ground_truth (Sequence[dict]): ``qid`` and ``relevant_windows``, a list of
            [start s, end s].
        protocol (MomentProtocol): What to report.

    Returns:
        dict: Range name -> ``MR-mAP`` (by IoU and 'average'), ``MR-R1``, ``MR-R5`` (by
        IoU) and ``MR-mIoU``, percentages with two decimals.

    Raises:
        SubmissionError: If the queries differ, or a list is empty or malformed.
    """
    pred_of = index_by_qid(submission, 'submission')
    gt_of = index_by_qid(ground_truth, 'ground truth')
    check_same_qids(pred_of, gt_of)
    qids = list(gt_of)
    entries = [pred_of[qid] for qid in qids]
    name = 'pred_relevant_windows'
    pred = pad_rows(field_of(entries, name), qids, 3, name)
    name = 'relevant_windows'
    gt = pad_rows(field_of(list(gt_of.values()), name), qids, 2, name)

    ranks = max(MAX_WINDOWS, *protocol.recall_at)
    windows, pred_mask = pred.values[:, :ranks], pred.mask[:, :ranks]
    windows, scores = windows[..., :2], windows[..., 2]
    iou = window_iou(windows, gt.values)
    length = gt.values[..., 1] - gt.values[..., 0]
    results = {}
    for name, limits in protocol.ranges.items():
        keep = gt.mask
        if limits is not None:
            keep = gt.mask & (limits[0] < length) & (length <= limits[1])
        if not keep.any():
            if protocol.empty_range == 'skip':
                continue
            keep = gt.mask
        rows, keep, columns = _in_range(keep)
        part = _Part(
            windows[rows],
            scores[rows],
            pred_mask[rows],
            np.take_along_axis(gt.values[rows], columns[..., None], axis=1),
            keep,
            np.take_along_axis(iou[rows], columns[:, None], axis=2),
        )
        results[name] = _evaluate_part(part, protocol)
    return results


@dataclass(frozen=True)
class _Part:
    """The queries of one length range, annotated windows of that range in front."""

    windows: np.ndarray  # (Q, R, 2)
    scores: np.ndarray  # (Q, R)
    pred_mask: np.ndarray  # (Q, R)
    gt: np.ndarray  # (Q, G, 2)
    gt_mask: np.ndarray  # (Q, G)
    iou: np.ndarray  # (Q, R, G)


def _in_range(keep: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows with a kept window, their masks and column order, cut to what is needed."""
    rows = np.asarray(keep.any(axis=1))
    keep = keep[rows]
    columns = (~keep).argsort(axis=1, kind='stable')[:, : keep.sum(axis=1).max()]
    return rows, np.take_along_axis(keep, columns, axis=1), columns


def _evaluate_part(part: _Part, protocol: MomentProtocol) -> dict:
    result: Dict[str, Any] = {}
    if protocol.with_miou:
        result['MR-mIoU'] = percent(_best_of_first(part, 1).mean())
    if protocol.with_map:
        first = slice(None), slice(MAX_WINDOWS)
        ap = by_blocks(
            partial(detection_ap, thresholds=MAP_THRESHOLDS),
            part.iou[first],
            part.scores[first],
            part.pred_mask[first],
            part.gt_mask,
        ).mean(axis=0)
        result['MR-mAP'] = {str(t): percent(v) for t, v in zip(MAP_THRESHOLDS, ap)}
        result['MR-mAP']['average'] = percent(ap.mean())
    for k in protocol.recall_at:
        best = _best_of_first(part, k)
        result[f'MR-R{k}'] = {
            str(t): percent((best > t if protocol.strict else best >= t).mean())
            for t in protocol.recall_thresholds
        }
    return result


def _best_of_first(part: _Part, k: int) -> np.ndarray:
    """(Q,) hull IoU of the best pair of the first k windows and the annotated ones."""
    pairs = part.pred_mask[:, :k, None] & part.gt_mask[:, None]
    iou = np.where(pairs, part.iou[:, :k], -1.0)
    best = iou.reshape(len(iou), -1).argmax(axis=1)
    rank, column = np.divmod(best, iou.shape[2])
    query = np.arange(len(iou))
    return hull_iou(part.windows[query, rank], part.gt[query, column])


def window_iou(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Intersection over union of all pairs.

    Args:
        pred (ndarray): (Q, R, 2).
        gt (ndarray): (Q, G, 2).

    Returns:
        ndarray: (Q, R, G).
    """
    pred, gt = pred[:, :, None], gt[:, None]
    start = np.maximum(pred[..., 0], gt[..., 0])
    inter = np.maximum(np.minimum(pred[..., 1], gt[..., 1]) - start, 0)
    union = (pred[..., 1] - pred[..., 0]) + (gt[..., 1] - gt[..., 0]) - inter
    return np.divide(inter, union, out=np.zeros(inter.shape), where=union > 0)


def hull_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over the hull of pairs of windows, (Q, 2) and (Q, 2) -> (Q,)."""
    start, end = np.maximum(a[:, 0], b[:, 0]), np.minimum(a[:, 1], b[:, 1])
    inter = np.maximum(end - start, 0)
    hull = np.maximum(a[:, 1], b[:, 1]) - np.minimum(a[:, 0], b[:, 0])
    return np.divide(inter, hull, out=np.zeros(inter.shape), where=hull > 0)
