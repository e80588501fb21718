"""Class-agnostic proposals: average recall at an average number of them, and its area.

ActivityNet's evaluator. The axis is an average over videos: those with more proposals
contribute more, so AR@10 is not "the best ten of each video".
"""

from typing import Any, Dict, Sequence

import numpy as np

from .average_precision import Thresholds
from .detection_files import Segments
from .moment_retrieval import window_iou
from .packing import pad_groups

#: ActivityNet's thresholds; papers on THUMOS14 take 0.5 to 1.0.
PROPOSAL_THRESHOLDS = np.linspace(0.5, 0.95, 10)
#: Points of the curve.
_STEPS = 100
_NEVER = np.iinfo(np.int64).max


def evaluate_proposals(
    ground_truth: Segments,
    proposals: Segments,
    thresholds: Thresholds = PROPOSAL_THRESHOLDS,
    max_average: int = 100,
    shown: Sequence[int] = (1, 5, 10, 100),
) -> Dict[str, Any]:
    """Average recall AR@AN and the area under it.

    Args:
        ground_truth (Segments): Annotations, whatever their labels.
        proposals (Segments): Of all videos of the file; labels are not looked at.
        thresholds (Sequence | ndarray): K IoUs.
        max_average (int): Largest average number of proposals a video, A.
        shown (Sequence[int]): The n of the reported AR@n, up to ``max_average``.

    Returns:
        dict: ``AR@n`` (fractions), ``AUC`` (percent), ``recall`` (K, 100), ``AR`` and
        ``AN`` (100,). All zero without proposals.

    Raises:
        ValueError: If there is no annotation.
    """
    if not len(ground_truth):
        raise ValueError('evaluate_proposals: the ground truth has no segment')
    levels = np.asarray(thresholds, dtype=float)
    names = {video: i for i, video in enumerate(sorted(set(ground_truth.videos)))}
    video = np.array([names[v] for v in ground_truth.videos])
    owner = np.array([names.get(v, -1) for v in proposals.videos], dtype=int)
    kept, columns = _cut(owner, proposals, len(names), max_average)
    total = int(columns.sum())
    if total == 0:
        recall, axis = np.zeros((len(levels), _STEPS)), np.zeros(_STEPS)
    else:
        # the order of the operations decides what the floor below gives
        share = (np.arange(1, _STEPS + 1) / 100.0) * (
            max_average * float(len(names)) / total
        )
        # A video without proposals has one column of misses in the reference; with no
        # column nothing is recalled, either.
        numbers = np.minimum((columns[:, None] * share).astype(int), columns[:, None])
        first = _first_hits(ground_truth, video, proposals, owner, kept, levels)
        recall = _recall(first, numbers, video)
        axis = share * (float(total) / len(names))
    average = recall.mean(axis=0)
    area = 100 * _trapezoid(average, axis) / axis[-1] if total else 0.0
    column = {n: max(round(n / max_average * _STEPS), 1) - 1 for n in shown}
    return {
        **{
            f'AR@{n}': float(average[at])
            for n, at in column.items()
            if n <= max_average
        },
        'AUC': float(area),
        'recall': recall,
        'AR': average,
        'AN': axis,
    }


def _cut(
    owner: np.ndarray, proposals: Segments, num_videos: int, max_average: int
) -> tuple:
    """The best proposals of each video: their indices by rank, and how many.

    Returns:
        tuple: (M',) indices, by video, best first, and (V,) numbers kept.
    """
    if not len(proposals):
        return np.zeros(0, dtype=int), np.zeros(num_videos, dtype=int)
    ratio = max_average * float(num_videos) / len(proposals)
    count = np.bincount(owner[owner >= 0], minlength=num_videos)
    columns = np.minimum((count * ratio).astype(int), count)
    order = np.lexsort((-proposals.scores, owner))
    order = order[owner[order] >= 0]
    rank = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    return order[rank < columns[owner[order]]], columns


def _first_hits(
    ground_truth: Segments,
    video: np.ndarray,
    proposals: Segments,
    owner: np.ndarray,
    kept: np.ndarray,
    thresholds: np.ndarray,
) -> np.ndarray:
    """(K, N) rank of the first proposal that reaches each annotation, or ``_NEVER``."""
    first = np.full((len(thresholds), len(video)), _NEVER)
    for _, ranks, rows in pad_groups(owner[kept], video, block=64):
        if not ranks.shape[1]:
            continue
        iou = window_iou(proposals.spans[kept[ranks]], ground_truth.spans[rows])
        iou = np.where(ranks[..., None] >= 0, iou, -1.0)
        real = rows >= 0
        for k, threshold in enumerate(thresholds):
            reached = iou >= threshold
            rank = np.where(reached.any(axis=1), reached.argmax(axis=1), _NEVER)
            first[k, rows[real]] = rank[real]
    return first


def _recall(first: np.ndarray, numbers: np.ndarray, video: np.ndarray) -> np.ndarray:
    """(K, 100) share of annotations that are reached within each number."""
    found = np.zeros((len(first), numbers.shape[1]))
    for step in range(numbers.shape[1]):
        found[:, step] = (first < numbers[video, step]).sum(axis=1)
    return found / len(video)


def _trapezoid(y: np.ndarray, x: np.ndarray) -> float:
    """numpy's, which has another name in numpy 1."""
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2.0).sum())
