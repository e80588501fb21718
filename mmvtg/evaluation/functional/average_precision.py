"""The three average precisions of the field; they are not the same number.

- :func:`detection_ap`: moments matched to annotated moments, area under the
  interpolated precision-recall curve (QVHighlights, as in VOC 2010+).
- :func:`clip_ap`: clips ranked by score, mean of the interpolated precision over the
  distinct thresholds at which recall rises (QVHighlights highlights).
- :func:`trapezoid_ap`: clips ranked by score, trapezoid rule that starts from
  precision 1 (YouTube Highlights and TVSum).

All are vectorised over queries: Q queries, R ranked moments, G annotated moments,
A annotators, T clips, K thresholds.
"""

from typing import Callable, Sequence, Union

import numpy as np

#: (K,) IoUs above 0.
Thresholds = Union[Sequence[float], np.ndarray]

#: Queries whose arrays are worked on together; few enough for a processor's cache.
_BLOCK = 512


def by_blocks(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """Apply a function of arrays (Q, ...) to some queries at a time.

    The result is the same; time and memory grow as the number of queries does.
    """
    starts = range(0, max(len(arrays[0]), 1), _BLOCK)
    return np.concatenate(
        [function(*(array[i : i + _BLOCK] for array in arrays)) for i in starts]
    )


def assign_detections(
    iou: np.ndarray, pred_mask: np.ndarray, gt_mask: np.ndarray, thresholds: Thresholds
) -> np.ndarray:
    """Assign ranked moments to annotated ones, each annotated one at most once.

    A moment takes the free annotated moment of highest IoU, if that reaches the
    threshold. Among equal IoUs the later annotation is taken.

    Args:
        iou (ndarray): (Q, R, G), moments in the order of their rank.
        pred_mask (ndarray): (Q, R) bool.
        gt_mask (ndarray): (Q, G) bool.
        thresholds (Sequence | ndarray): (K,) above 0.

    Returns:
        ndarray: (Q, K, R) int, the annotated moment that was taken, -1 for none.
    """
    num_queries, num_ranks, num_gt = iou.shape
    # Reversed, so that argmax (first of the best) finds the last of the best.
    iou = np.where(gt_mask[:, None, :], iou, -1.0)[:, :, ::-1]
    levels = np.asarray(thresholds, dtype=float)[:, None]
    free = np.ones((num_queries, len(levels), num_gt), dtype=bool)
    taken = np.full((num_queries, len(levels), num_ranks), -1)
    for rank in range(num_ranks):
        row = iou[:, rank, None, :]
        candidates = np.where(free & (row >= levels), row, -1.0)
        best = candidates.argmax(axis=-1)[..., None]
        hit = np.take_along_axis(candidates, best, axis=-1) > 0
        hit &= pred_mask[:, rank, None, None]
        still_free = np.take_along_axis(free, best, axis=-1) & ~hit
        np.put_along_axis(free, best, still_free, axis=-1)
        taken[:, :, rank] = np.where(hit, num_gt - 1 - best, -1)[..., 0]
    return taken


def detection_ap(
    iou: np.ndarray,
    scores: np.ndarray,
    pred_mask: np.ndarray,
    gt_mask: np.ndarray,
    thresholds: Thresholds,
) -> np.ndarray:
    """Average precision of each query's moments.

    Args:
        iou (ndarray): (Q, R, G) of predicted and annotated moments.
        scores (ndarray): (Q, R); equal scores keep their order.
        pred_mask (ndarray): (Q, R) bool.
        gt_mask (ndarray): (Q, G) bool, at least one True a query.
        thresholds (Sequence | ndarray): (K,) IoU thresholds above 0; an IoU equal to
            one counts.

    Returns:
        ndarray: (Q, K) in [0, 1].
    """
    order = np.where(pred_mask, -scores, np.inf).argsort(axis=1, kind='stable')
    iou = np.take_along_axis(iou, order[..., None], axis=1)
    pred_mask = np.take_along_axis(pred_mask, order, axis=1)
    hits = assign_detections(iou, pred_mask, gt_mask, thresholds) >= 0
    return ranked_ap(hits, gt_mask.sum(axis=1)[:, None])


def ranked_ap(hits: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Area under the interpolated precision-recall curve of a ranking.

    Args:
        hits (ndarray): (..., R) bool, true positives, best rank first. Padded ranks
            behind the last are False: they add no recall and are no later maximum.
        total (ndarray): (...) positives to find, above 0.

    Returns:
        ndarray: (...) in [0, 1].
    """
    found = hits.cumsum(axis=-1)
    precision = found / np.arange(1, hits.shape[-1] + 1)
    precision = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    recall = found / np.asarray(total)[..., None]
    gained = np.diff(recall, axis=-1, prepend=0.0)
    return (gained * precision).sum(axis=-1)


def clip_ap(scores: np.ndarray, labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Average precision of clips, per query and annotator.

    Clips of equal score are one threshold: however many positives they hold, they
    count once in the mean. Without any positive the result is 0, without any negative
    it is 1.

    Args:
        scores (ndarray): (Q, T).
        labels (ndarray): (Q, A, T) bool.
        mask (ndarray): (Q, T) bool, True for real clips, which come first.

    Returns:
        ndarray: (Q, A) in [0, 1].
    """
    order = np.where(mask, -scores, np.inf).argsort(axis=1, kind='stable')
    scores = np.take_along_axis(scores, order, axis=1)
    labels = np.take_along_axis(labels & mask[:, None], order[:, None], axis=2)
    # The last clip of each group of equal scores; the padding sits at the end.
    is_end = mask.copy()
    is_end[:, :-1] &= (scores[:, 1:] != scores[:, :-1]) | ~mask[:, 1:]

    found = labels.cumsum(axis=-1)
    precision = found / np.arange(1, labels.shape[-1] + 1)
    precision = np.where(is_end[:, None], precision, -1.0)
    precision = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    at_end = np.where(is_end[:, None], found, 0)
    before = np.zeros_like(at_end)
    before[..., 1:] = np.maximum.accumulate(at_end, axis=-1)[..., :-1]
    rises = is_end[:, None] & (at_end > before)

    count = rises.sum(axis=-1)
    ap = np.where(rises, precision, 0.0).sum(axis=-1) / np.maximum(count, 1)
    all_positive = labels.sum(axis=-1) == mask.sum(axis=1)[:, None]
    return np.where(count == 0, 0.0, np.where(all_positive, 1.0, ap))


def trapezoid_ap(labels: np.ndarray) -> np.ndarray:
    """Area under precision over recall by the trapezoid rule, starting at precision 1.

    Positives are counted in ``labels`` alone, so a list cut to its first k counts
    those among the k. Without any positive the result is 0.

    Args:
        labels (ndarray): (..., T) bool, best ranked clip first.

    Returns:
        ndarray: (...) in [0, 1].
    """
    labels = np.asarray(labels, dtype=bool)
    found = labels.cumsum(axis=-1)
    total = labels.sum(axis=-1, keepdims=True)
    recall = found / np.maximum(total, 1)
    precision = found / np.arange(1, labels.shape[-1] + 1)
    start = np.ones((*labels.shape[:-1], 1))
    height = (np.concatenate([start, precision[..., :-1]], axis=-1) + precision) / 2
    return (np.diff(recall, axis=-1, prepend=0.0) * height).sum(axis=-1)
