"""Temporal action detection: mAP over IoU thresholds, as ActivityNet's evaluator.

Detections of a class are ranked over all videos. Equal scores keep the order of the
file, equal IoUs go to the later annotation. The IoU is float64; mmaction2's evaluator
has float32, which can flip an IoU that lies on a threshold.
"""

import warnings
from typing import (
    Any,
    Collection,
    Dict,
    Hashable,
    Iterable,
    List,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np

from .average_precision import Thresholds, assign_detections, ranked_ap
from .detection_files import Segments
from .moment_retrieval import window_iou
from .packing import pad_groups

#: Built as the official evaluators do, to the last bit.
ACTIVITYNET = np.linspace(0.5, 0.95, 10)
THUMOS14 = np.linspace(0.3, 0.7, 5)
THUMOS14_WIDE = np.linspace(0.1, 0.7, 7)
DETECTION_THRESHOLDS = {
    'activitynet': ACTIVITYNET,
    'thumos14': THUMOS14,
    'thumos14_wide': THUMOS14_WIDE,
}


def evaluate_detections(
    ground_truth: Segments,
    detections: Segments,
    thresholds: Thresholds = ACTIVITYNET,
    classes: Optional[Collection[Hashable]] = None,
    unknown_videos: str = 'false_positive',
    recall_at: Sequence[int] = (1, 5),
) -> Dict[str, Any]:
    """Average precision of every class, and its means.

    Args:
        ground_truth (Segments): See :func:`read_annotated_segments`.
        detections (Segments): See :func:`read_detected_segments`. Such of a class that
            the ground truth has not got are ignored, with a warning.
        thresholds (Sequence | ndarray): K IoUs above 0; an IoU equal to one counts.
        classes (Collection, optional): Evaluate these alone, on the videos that have
            one of them, as zero-shot protocols do.
        unknown_videos (str): Detections in videos without any annotation are
            'false_positive' (ActivityNet) or left out: 'ignore' (AFSD).
        recall_at (Sequence[int]): The k of Recall@kx: among the k m best detections of
            a class in a video with m of its annotations.

    Returns:
        dict: ``mAP`` (by threshold) and ``average_mAP``, ``recall_{k}x`` (by
        threshold), fractions; ``AP`` and ``recall`` (arrays (K, C) and (K, k, C)),
        ``classes``, ``num_videos``, ``num_instances``.

    Raises:
        ValueError: If ``unknown_videos`` is unknown or no annotation is left.
    """
    if unknown_videos not in ('false_positive', 'ignore'):
        raise ValueError(
            f"unknown_videos = '{unknown_videos}' must be 'false_positive' or 'ignore'"
        )
    if classes is not None:
        ground_truth = ground_truth[_member(ground_truth.labels, classes)]
        unknown_videos = 'ignore'
    if not len(ground_truth):
        raise ValueError('evaluate_detections: the ground truth has no segment')
    names = sorted(set(ground_truth.labels), key=str)
    detections = _known(detections, ground_truth, names, classes, unknown_videos)
    levels = np.asarray(thresholds, dtype=float)
    hits, label, recalled = _match(ground_truth, detections, names, levels, recall_at)
    total = np.bincount(_index(ground_truth.labels, names), minlength=len(names))
    bounds = np.searchsorted(label, np.arange(len(names) + 1))
    ap = np.zeros((len(levels), len(names)))
    for c, (low, high) in enumerate(zip(bounds, bounds[1:])):
        ap[:, c] = ranked_ap(hits[:, low:high], total[c])
    recall = recalled / total
    keys = [str(round(float(t), 4)) for t in levels]
    by_threshold = {
        f'recall_{k}x': dict(zip(keys, recall[:, i].mean(axis=1).tolist()))
        for i, k in enumerate(recall_at)
    }
    return {
        'mAP': dict(zip(keys, ap.mean(axis=1).tolist())),
        'average_mAP': float(ap.mean(axis=1).mean()),
        **by_threshold,
        'AP': ap,
        'recall': recall,
        'classes': names,
        'num_videos': len(set(ground_truth.videos)),
        'num_instances': len(ground_truth),
    }


def _member(values: Sequence, wanted: Collection) -> np.ndarray:
    wanted = set(wanted)
    return np.array([value in wanted for value in values], dtype=bool)


def _index(values: Sequence, names: Iterable) -> np.ndarray:
    number = {name: i for i, name in enumerate(names)}
    return np.array([number[value] for value in values], dtype=int)


def _known(
    detections: Segments,
    ground_truth: Segments,
    names: Sequence,
    classes: Optional[Collection],
    unknown_videos: str,
) -> Segments:
    """Detections that count."""
    known = _member(detections.labels, names)
    others = {detections.labels[i] for i in np.flatnonzero(~known)}
    others -= set(classes or ())
    if others and classes is None:
        warnings.warn(
            f'{int((~known).sum())} of {len(known)} detections are ignored: the ground '
            f'truth has no {sorted(map(str, others))[:5]}; are the names right?',
            stacklevel=3,
        )
    inside = _member(detections.videos, ground_truth.videos)
    if unknown_videos == 'ignore':
        known &= inside
    elif (known & ~inside).any():
        outside = detections.videos[int((known & ~inside).argmax())]
        warnings.warn(
            f'{int((known & ~inside).sum())} detections are in videos without '
            f'annotation, such as {outside!r}; they count as false positives',
            stacklevel=3,
        )
    return detections[known]


def _match(
    ground_truth: Segments,
    detections: Segments,
    names: Sequence,
    thresholds: np.ndarray,
    recall_at: Sequence[int],
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match within each pair of a video and a class.

    Returns:
        tuple: hits (K, M) of the detections sorted by class, then score; their classes
        (M,); numbers of recalled annotations (K, k, C).
    """
    videos = {video: i for i, video in enumerate(dict.fromkeys(ground_truth.videos))}
    pairs = _index(ground_truth.videos, videos) * len(names)
    pairs += _index(ground_truth.labels, names)
    label = _index(detections.labels, names)
    order = np.lexsort((-detections.scores, label))
    label = label[order]
    det_videos = np.array([videos.get(detections.videos[i], -1) for i in order], int)
    det_pairs = det_videos * len(names) + label

    spans = detections.spans[order]
    hits = np.zeros((len(thresholds), len(order)), dtype=bool)
    recalled = np.zeros((len(thresholds), len(recall_at), len(names)))
    for pair_ids, det_rows, gt_rows in pad_groups(det_pairs, pairs):
        mask, gt_mask = det_rows >= 0, gt_rows >= 0
        iou = window_iou(spans[det_rows], ground_truth.spans[gt_rows])
        taken = assign_detections(iou, mask, gt_mask, thresholds) >= 0
        hits[:, det_rows[mask]] = taken.transpose(1, 0, 2)[:, mask]
        found = _recalled(iou, mask, gt_mask, thresholds, recall_at)
        by_class = np.moveaxis(recalled, 2, 0)  # a view
        np.add.at(by_class, pair_ids % len(names), np.moveaxis(found, 2, 0))
    return hits, label, recalled


def _recalled(
    iou: np.ndarray,
    mask: np.ndarray,
    gt_mask: np.ndarray,
    thresholds: np.ndarray,
    recall_at: Sequence[int],
) -> np.ndarray:
    """(K, k, Q) annotations that one of the first k m detections reaches."""
    rank = np.arange(iou.shape[1])
    counts: List[np.ndarray] = []
    for k in recall_at:
        first = mask & (rank < k * gt_mask.sum(axis=1)[:, None])
        best = np.where(first[..., None], iou, -1.0).max(axis=1, initial=-1.0)
        reached = (best >= thresholds[:, None, None]) & gt_mask
        counts.append(reached.sum(axis=2))
    return np.stack(counts, axis=1)
