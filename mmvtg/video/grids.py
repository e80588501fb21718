"""How many clips a video has, and which of its frames make them."""

import math
from typing import List

import numpy as np

#: Of Moment-DETR's SlowFast: frames a second of the grid, frames a clip, and how many
#: frames of the grid lie between two of a clip.
DENSE_RATE, DENSE_FRAMES, DENSE_STRIDE = 30, 32, 2


def num_clips(duration: float, fps: float) -> int:
    """How many whole clips a video of ``duration`` seconds has; 0 if none fits.

    A thousandth of a clip is forgiven, because containers round their durations.
    """
    return math.floor(duration * fps + 1e-3)


def frame_indices(
    total: int, fps: float, source_fps: float, num_frames: int
) -> List[int]:
    """Source frame of each clip: the one nearest to the time ``i / fps``."""
    return [min(round(i * source_fps / fps), num_frames - 1) for i in range(total)]


def frame_of_tick(tick: int, grid: float, rate: float, total: int) -> int:
    """Source frame that a regular grid shows at a tick, as ffmpeg's ``fps`` does.

    A source frame belongs to the tick that is nearest to it, and a tick shows the last
    frame that belongs to it or to an earlier one.

    Args:
        tick (int): Number of the grid point, from 0.
        grid (float): Ticks a second.
        rate (float): Frames a second of the source.
        total (int): Frames of the source.
    """
    frame = math.ceil((tick + 0.5) * rate / grid - 1e-6) - 1
    return min(max(frame, 0), total - 1)


def dense_ticks(rate: float, clip_ticks: int) -> List[int]:
    """The 32 ticks of a clip that Moment-DETR's extractor keeps.

    # parity: how far they reach depends on the frame rate of the source, although the
    # frames were brought to 30 a second before; below 28 it misses the end of a clip.

    Args:
        rate (float): Frames a second of the source.
        clip_ticks (int): Ticks of a clip, 60 of 2 s.
    """
    reach = DENSE_FRAMES * DENSE_STRIDE * math.floor(rate + 1e-6) / DENSE_RATE
    ticks = np.linspace(0, reach - 1, DENSE_FRAMES, dtype=np.float32)
    return ticks.clip(0, clip_ticks - 1).astype(int).tolist()
