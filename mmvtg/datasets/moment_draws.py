"""Which clips of a video are a query's moment, and which are not (ActPrompt 3.4)."""

from typing import List, Optional, Tuple

import numpy as np


def clip_range(window: np.ndarray, fps: float, total: int) -> range:
    """Clips that a window touches, at least one.

    Args:
        window (ndarray): (start, end) s.
        fps (float): Clips per second.
        total (int): Clips of the video.
    """
    # a thousandth of a clip is forgiven: 0.3 s * 10 / s is a little more than 3
    first = int(np.floor(window[0] * fps + 1e-3))
    last = int(np.ceil(window[1] * fps - 1e-3))
    first = min(max(first, 0), total - 1)
    return range(first, min(max(last, first + 1), total))


def draw_positive(
    rng: np.random.Generator, moments: List[range], longest: Optional[int]
) -> range:
    """One of a query's moments, or a random stretch of it where it is long.

    Args:
        rng (Generator): Source of randomness.
        moments (list[range]): Clips of each.
        longest (int, optional): Most clips; None for whole moments.
    """
    moment = moments[int(rng.integers(len(moments)))]
    if longest is None or len(moment) <= longest:
        return moment
    start = moment.start + int(rng.integers(len(moment) - longest + 1))
    return range(start, start + longest)


def draw_negative(
    rng: np.random.Generator, moments: List[range], length: int, total: int
) -> range:
    """A stretch of the same video that no moment of the query touches.

    Of ``length`` clips, each possible start being as likely; where none fits, the
    longest free gap (the first of several); where there is no free clip, nothing.

    Args:
        rng (Generator): Source of randomness.
        moments (list[range]): Clips of each moment.
        length (int): Clips wanted.
        total (int): Clips of the video.
    """
    gaps = free_gaps(moments, total)
    starts = [s for a, b in gaps for s in range(a, b - length + 1)]
    if starts:
        start = starts[int(rng.integers(len(starts)))]
        return range(start, start + length)
    first, last = max(gaps, key=lambda gap: gap[1] - gap[0], default=(0, 0))
    return range(first, last)


def free_gaps(moments: List[range], total: int) -> List[Tuple[int, int]]:
    """Maximal (start, end) clips of a video that lie in no moment."""
    free = np.ones(total + 2, dtype=bool)
    free[[0, -1]] = False
    for moment in moments:
        free[moment.start + 1 : moment.stop + 1] = False
    edges = np.flatnonzero(free[1:] != free[:-1])
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
