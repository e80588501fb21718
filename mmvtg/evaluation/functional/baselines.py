"""Predictions of someone who has not watched the video.

A model is worth something only above these. They come in the submission format, so
they are scored like any model.
"""

import math
from typing import List, Sequence, Tuple

import numpy as np

from .moment_retrieval import MAP_THRESHOLDS, window_iou


def whole_video_predictions(
    ground_truth: Sequence[dict], clip_length: float = 2.0
) -> List[dict]:
    """The whole video as the only moment, all clips equally salient.

    Args:
        ground_truth (Sequence[dict]): ``qid``, ``duration`` (s); ``vid`` and ``query``
            are copied where present.
        clip_length (float): Seconds per clip of the saliency.

    Returns:
        list[dict]: A submission.
    """
    return [
        _entry(
            item,
            [[0.0, float(item['duration']), 1.0]],
            [0.0] * _num_clips(item, clip_length),
        )
        for item in ground_truth
    ]


def prior_predictions(
    train_ground_truth: Sequence[dict],
    ground_truth: Sequence[dict],
    top_k: int = 10,
    num_bins: int = 20,
    clip_length: float = 2.0,
) -> List[dict]:
    """Where moments usually are, learned from the training set, for every query alike.

    Moments are taken as fractions of their videos. The first prediction is the window
    on a grid that hits most training moments, averaged over the IoU thresholds of mAP;
    each next one adds most hits to those so far. Saliency is the share of training
    moments that contain that part of the video.

    Args:
        train_ground_truth (Sequence[dict]): ``duration`` (s), ``relevant_windows`` (s).
        ground_truth (Sequence[dict]): The queries to predict.
        top_k (int): Windows a query.
        num_bins (int): Windows start and end at multiples of 1 / num_bins.
        clip_length (float): Seconds per clip of the saliency.

    Returns:
        list[dict]: A submission.

    Raises:
        ValueError: If the training set has no annotated window.
    """
    windows = [
        [start / item['duration'], end / item['duration']]
        for item in train_ground_truth
        for start, end in item.get('relevant_windows') or []
    ]
    if not windows:
        raise ValueError(
            'prior_predictions: no training query has relevant_windows to learn from'
        )
    spans = np.clip(np.array(windows), 0, 1)
    best, scores = learn_prior(spans, top_k, num_bins)
    centres = (np.arange(num_bins) + 0.5) / num_bins
    share = ((spans[:, :1] <= centres) & (centres < spans[:, 1:])).mean(axis=0)
    return [
        _entry(
            item,
            [
                [start * item['duration'], end * item['duration'], score]
                for (start, end), score in zip(best.tolist(), scores.tolist())
            ],
            _spread(share, item, clip_length),
        )
        for item in ground_truth
    ]


def learn_prior(
    spans: np.ndarray, top_k: int, num_bins: int
) -> Tuple[np.ndarray, np.ndarray]:
    """Choose windows greedily so that together they hit most.

    Args:
        spans (ndarray): (N, 2) training moments as fractions of their videos.
        top_k (int): How many windows.
        num_bins (int): Resolution of the grid.

    Returns:
        tuple: (top_k, 2) windows as fractions, and (top_k,) falling scores in (0, 1].
    """
    edges = np.arange(num_bins + 1) / num_bins
    first, last = np.triu_indices(num_bins + 1, k=1)
    grid = np.stack([edges[first], edges[last]], axis=1)
    iou = window_iou(grid[None], spans[None])[0]
    # Share of thresholds reached; the small part prefers the nearer of two misses.
    reached = np.searchsorted(MAP_THRESHOLDS, iou, side='right') / len(MAP_THRESHOLDS)
    worth = reached + 1e-3 * iou
    best = np.zeros(len(spans))
    chosen: List[int] = []
    for _ in range(min(top_k, len(grid))):
        gain = np.maximum(worth, best).mean(axis=1)
        gain[chosen] = -1.0
        chosen.append(int(gain.argmax()))
        best = np.maximum(best, worth[chosen[-1]])
    return grid[chosen], 1 - np.arange(len(chosen)) / len(chosen)


def _entry(item: dict, windows: list, saliency: list) -> dict:
    known = {key: item[key] for key in ('qid', 'query', 'vid') if key in item}
    return dict(known, pred_relevant_windows=windows, pred_saliency_scores=saliency)


def _num_clips(item: dict, clip_length: float) -> int:
    return max(math.ceil(item['duration'] / clip_length - 1e-6), 1)


def _spread(share: np.ndarray, item: dict, clip_length: float) -> List[float]:
    """A profile over the video -> one number a clip."""
    centres = (np.arange(_num_clips(item, clip_length)) + 0.5) * clip_length
    index = (centres / item['duration'] * len(share)).astype(int)
    return share[np.minimum(index, len(share) - 1)].round(4).tolist()
