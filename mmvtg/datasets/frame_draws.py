"""Which frames of a video a model gets to see: evenly spaced ones, drawn at random."""

import zlib
from typing import List, Sequence, Tuple

import numpy as np


def draw_generator(seed: int, name: str, draw: int) -> np.random.Generator:
    """Source of randomness of one draw of one video.

    It knows neither the worker process nor what was drawn before, so neither the number
    of workers nor a resumed run changes anything.

    Args:
        seed (int): Of the run.
        name (str): The video's, or the clip's.
        draw (int): Which time the video is seen.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode()), draw])


def candidates(total: int, gap: int, offset: int) -> np.ndarray:
    """Every ``gap``-th of ``total`` frames from ``offset`` to the last one.

    Spread evenly from the offset to the last frame, as Efficient-Prompt's authors do
    it, so the real gap is a little more or less than ``gap``.

    Returns:
        ndarray: (round(total / gap),) int64.
    """
    # the quotient of their rate, a float: 1 / 3 makes other halves than / 3
    return np.linspace(offset, total - 1, round(total * (1 / gap))).astype(np.int64)


def draw_frames(
    rng: np.random.Generator, total: int, num_frames: int, gaps: Sequence[int]
) -> Tuple[np.ndarray, int]:
    """Draw ``num_frames`` frames in a row, at a gap of one of ``gaps``.

    Of a video too short for the drawn gap, frames are taken one after the other; one
    with fewer than ``num_frames`` shows its last frame until the end.

    Args:
        rng (Generator): Source of randomness.
        total (int): Frames of the video, at least 1.
        num_frames (int): Frames to draw, T.
        gaps (Sequence[int]): Source frames from one to the next; one named more often
            is drawn more often.

    Returns:
        tuple: (T,) int64 ascending, and the gap.
    """
    gap = int(gaps[rng.integers(len(gaps))])
    frames = candidates(total, gap, int(rng.integers(gap)))
    if len(frames) <= num_frames:
        frames, gap = np.arange(total), 1
    start = int(rng.integers(max(len(frames) - num_frames, 0) + 1))
    return take_run(frames, start, num_frames), gap


def take_run(frames: np.ndarray, start: int, num_frames: int) -> np.ndarray:
    """``num_frames`` of ``frames`` from ``start``, the last one repeated if need be."""
    places = np.minimum(np.arange(start, start + num_frames), len(frames) - 1)
    return frames[places]


def middle_frames(total: int, num_frames: int) -> np.ndarray:
    """(T,) int64: the middle of each of ``num_frames`` equal parts of a video."""
    places: List[float] = (np.arange(num_frames) + 0.5) * total / num_frames
    return np.minimum(np.asarray(places).astype(np.int64), total - 1)
