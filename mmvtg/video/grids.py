"""Frames of each clip of a video: times in, frame numbers out."""

import math

import numpy as np

from .timing import FrameTimes

#: Longest video, s: a week. What is longer is a wrong number, and its clips would fill
#: the memory.
MAX_DURATION = 7 * 86400.0
#: Moment-DETR's SlowFast features: frames per second of the grid, frames per clip, and
#: ticks of the grid from one frame of a clip to the next.
DENSE_RATE, DENSE_FRAMES, DENSE_STRIDE = 30, 32, 2


def num_clips(duration: float, fps: float) -> int:
    """Return the number of whole clips in ``duration`` seconds; 0 if none fits.

    A thousandth of a clip is forgiven, because containers round their durations.
    """
    return math.floor(duration * fps + 1e-3)


def start_frames(times: FrameTimes, fps: float) -> np.ndarray:
    """Return the frame nearest to the start of each clip, (T, 1) int64."""
    clips = np.arange(num_clips(times.end, fps))
    return times.nearest(clips / fps)[:, None]


def middle_frames(times: FrameTimes, fps: float) -> np.ndarray:
    """Return the last frame before the middle of each clip, (T, 1) int64.

    This is what ``ffmpeg -vf fps=0.5`` takes, and so the CLIP features of Moment-DETR,
    its successors and R2-Tuning: frames 29, 89, ... of 30 per second.
    """
    clips = np.arange(num_clips(times.end, fps))
    return times.before((clips + 0.5) / fps)[:, None]


def dense_frames(times: FrameTimes, fps: float) -> np.ndarray:
    """Return 32 frames of each clip as Moment-DETR's SlowFast takes them, (T, 32).

    The video is brought to 30 frames per second and cut into clips of ``1 / fps``
    seconds; the last clip is padded with the last frame.
    """
    per_clip = round(DENSE_RATE / fps)
    clips = np.arange(math.ceil(times.end * fps - 1e-3))
    ticks = clips[:, None] * per_clip + dense_ticks(times.frame_rate, per_clip)
    return times.before((ticks + 0.5) / DENSE_RATE)


def dense_ticks(rate: float, clip_ticks: int) -> np.ndarray:
    """Return the 32 ticks of a clip that Moment-DETR's extractor keeps, (32,) int64.

    # parity: their reach depends on the frame rate of the source, although the frames
    # were brought to 30 per second before; below 28 it misses the end of a clip.

    Args:
        rate (float): Frames per second of the source.
        clip_ticks (int): Ticks per clip, 60 for 2 s.
    """
    reach = DENSE_FRAMES * DENSE_STRIDE * math.floor(rate + 1e-6) / DENSE_RATE
    ticks = np.linspace(0, reach - 1, DENSE_FRAMES, dtype=np.float32)
    return ticks.clip(0, clip_ticks - 1).astype(np.int64)


def centred_frames(
    times: FrameTimes, fps: float, num_frames: int, rate: float
) -> np.ndarray:
    """Return frames of a regular grid around the middle of each clip, (T, F) int64.

    Frame ``j`` of clip ``i`` is the frame shown at ``(i + 0.5) / fps + (j - (F - 1) /
    2) / rate`` seconds; the first and the last frame of the video are repeated beyond
    its ends. Neighboring clips overlap if ``F / rate`` is more than a clip.

    Args:
        times (FrameTimes): Frames of the video.
        fps (float): Clips per second.
        num_frames (int): F.
        rate (float): Frames per second of the grid.
    """
    middles = (np.arange(num_clips(times.end, fps)) + 0.5) / fps
    offsets = (np.arange(num_frames) - (num_frames - 1) / 2) / rate
    return times.shown((middles[:, None] + offsets).ravel()).reshape(-1, num_frames)
