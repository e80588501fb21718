"""Span arithmetic and the only place where seconds and clips are converted.

A span is ``[start, end]``. Outside of a model spans are in seconds; inside, in clips
(float), where clip ``n`` stands for the time ``n / fps``.
"""

import math
from typing import List, Union

import numpy as np
import torch
from torch import Tensor

Array = Union[Tensor, np.ndarray, float]


def seconds_to_clips(seconds: Array, fps: float) -> Array:
    """Seconds, a number or (...), to clip positions, for ``fps`` clips per second."""
    return seconds * fps


def clips_to_seconds(clips: Array, fps: float) -> Array:
    """Clip positions, a number or (...), to seconds, for ``fps`` clips per second."""
    return clips / fps


def span_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every pair of spans.

    Two spans of length zero have IoU 0 (not 0 / 0).

    Args:
        a (Tensor): (..., N, 2) as (start, end).
        b (Tensor): (..., M, 2) as (start, end).

    Returns:
        Tensor: (..., N, M) in [0, 1].
    """
    a, b = a.unsqueeze(-2), b.unsqueeze(-3)
    start = torch.maximum(a[..., 0], b[..., 0])
    end = torch.minimum(a[..., 1], b[..., 1])
    inter = (end - start).clamp(min=0)
    union = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - inter
    return inter / torch.where(union > 0, union, 1)


def span_giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised intersection over union of matching spans.

    IoU minus the share of the hull that neither covers, so that disjoint spans differ,
    too. Two spans of length zero have IoU 0.

    Args:
        a (Tensor): (..., 2) as (start, end).
        b (Tensor): (..., 2), broadcasts with ``a``.

    Returns:
        Tensor: (...) in (-1, 1].
    """
    start, end = torch.maximum(a, b)[..., 0], torch.minimum(a, b)[..., 1]
    inter = (end - start).clamp(min=0)
    union = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - inter
    hull = torch.maximum(a, b)[..., 1] - torch.minimum(a, b)[..., 0]
    iou = inter / union.clamp(min=1e-12)
    return iou - (hull - union) / hull.clamp(min=1e-12)


def center_to_span(spans: Tensor) -> Tensor:
    """(center, width) (..., 2) to (start, end)."""
    center, half = spans[..., 0], spans[..., 1] / 2
    return torch.stack([center - half, center + half], dim=-1)


def span_to_center(spans: Tensor) -> Tensor:
    """(start, end) (..., 2) to (center, width)."""
    start, end = spans.unbind(-1)
    return torch.stack([(start + end) / 2, end - start], dim=-1)


def clean_moments(
    moments: np.ndarray, max_time: float, min_length: float
) -> np.ndarray:
    """Make annotated moments usable as training targets.

    In this order: clamp into the video, swap reversed ends, widen what is shorter than
    ``min_length`` around its centre (R2-Tuning, as its authors' code does it).

    Args:
        moments (ndarray): (N, 2) seconds.
        max_time (float): End of the features, seconds.
        min_length (float): Shortest moment to train on, seconds.

    Returns:
        ndarray: (N, 2) float64 seconds.
    """
    moments = np.clip(np.asarray(moments, dtype=np.float64).reshape(-1, 2), 0, max_time)
    moments = np.sort(moments, axis=1)
    half = min_length / 2
    center = np.clip(moments.mean(axis=1), half, max(max_time - half, half))
    widened = np.stack([center - half, center + half], axis=1)
    short = (moments[:, 1] - moments[:, 0]) < min_length
    return np.where(short[:, None], widened, moments)


def resample_clips(values: np.ndarray, fps: float, clip_length: float) -> np.ndarray:
    """Average per-clip values onto another clip grid.

    Args:
        values (ndarray): (T,) one value a clip at ``fps`` clips per second.
        fps (float): Clips per second of ``values``.
        clip_length (float): Seconds per clip of the wanted grid. Equal grids return
            the values untouched.

    Returns:
        ndarray: (T',) with T' = ceil(T / fps / clip_length).
    """
    values = np.asarray(values)
    ratio = fps * clip_length
    if abs(ratio - 1) < 1e-6 or len(values) == 0:
        return values
    if ratio < 1:
        index = np.arange(math.ceil(len(values) / ratio - 1e-6)) * ratio
        return values[np.minimum(index.astype(int), len(values) - 1)]
    target = (np.arange(len(values)) / ratio + 1e-6).astype(int)
    means = np.bincount(target, weights=values) / np.bincount(target)
    # the last value may reach into a clip in which none begins
    rest = math.ceil(len(values) / ratio - 1e-6) - len(means)
    return np.append(means, values[-1:].repeat(max(rest, 0)))


def window_starts(length: int, size: int, stride: int) -> List[int]:
    """First clips of windows that cover a video; the last one ends where it ends.

    Args:
        length (int): Of the video, clips.
        size (int): Of a window, clips. One window is enough for a video no longer.
        stride (int): Between windows, clips.
    """
    last = max(length - size, 0)
    return [*range(0, last, stride), last]
