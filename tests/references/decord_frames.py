"""Clips by frame numbers on decord: the rule for videos of a constant frame rate.

Frame ``k`` of a video of ``rate`` frames per second counts as shown at ``k / rate``
seconds. This is what :class:`mmvtg.video.clips.ClipReader` must equal for such videos.
"""

import math

import decord
import numpy as np
from PIL import Image


def read_clips(
    path: str, fps: float, size: int, sampling: str, *grid: float
) -> tuple[np.ndarray, list[list[int]]]:
    """Decode all clips of a video.

    Args:
        path (str): Video file.
        fps (float): Clips per second.
        size (int): Height and width of frames, pixels.
        sampling (str): ``'start'``, ``'middle'``, ``'dense'`` or ``'centred'``.
        *grid (float): Number and rate of the frames of a ``'centred'`` clip.

    Returns:
        tuple: clips (T, 3, size, size) or (T, F, 3, size, size) uint8 RGB, and their
        frame numbers.
    """
    reader = decord.VideoReader(path, decord.cpu(0), num_threads=1)
    rule = dict(start=start, middle=middle, dense=dense, centred=centred)[sampling]
    numbers = rule(len(reader), float(reader.get_avg_fps()), fps, *grid)
    images = {
        number: crop(reader[number].asnumpy(), size).transpose(2, 0, 1)
        for number in sorted({number for clip in numbers for number in clip})
    }
    clips = np.stack([np.stack([images[n] for n in clip]) for clip in numbers])
    return clips[:, 0] if sampling in ('start', 'middle') else clips, numbers


def num_clips(total: int, source: float, fps: float) -> int:
    return math.floor(total / source * fps + 1e-3)


def start(total: int, source: float, fps: float) -> list[list[int]]:
    clips = range(num_clips(total, source, fps))
    return [[min(round(clip * source / fps), total - 1)] for clip in clips]


def middle(total: int, source: float, fps: float) -> list[list[int]]:
    clips = range(num_clips(total, source, fps))
    return [[frame_of_tick(clip, fps, source, total)] for clip in clips]


def dense(total: int, source: float, fps: float) -> list[list[int]]:
    per_clip = round(30 / fps)
    ticks = dense_ticks(source, per_clip)
    return [
        [frame_of_tick(clip * per_clip + tick, 30, source, total) for tick in ticks]
        for clip in range(math.ceil(total / source * fps - 1e-3))
    ]


def centred(
    total: int, source: float, fps: float, frames: int, rate: float
) -> list[list[int]]:
    offsets = [(frame - (frames - 1) / 2) / rate for frame in range(frames)]
    return [
        [
            min(max(math.floor(((clip + 0.5) / fps + offset) * source + 1e-6), 0), last)
            for offset in offsets
        ]
        for last in [total - 1]
        for clip in range(num_clips(total, source, fps))
    ]


def frame_of_tick(tick: int, grid: float, source: float, total: int) -> int:
    """Return the frame that ffmpeg's ``fps`` filter shows at a tick of a grid."""
    frame = math.ceil((tick + 0.5) * source / grid - 1e-6) - 1
    return min(max(frame, 0), total - 1)


def dense_ticks(source: float, per_clip: int) -> list[int]:
    reach = 64 * math.floor(source + 1e-6) / 30
    ticks = np.linspace(0, reach - 1, 32, dtype=np.float32)
    return ticks.clip(0, per_clip - 1).astype(int).tolist()


def crop(image: np.ndarray, size: int) -> np.ndarray:
    """Scale the short side of (H, W, 3) uint8 to ``size`` and crop the center."""
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    if width <= height:
        shape = (size, int(size * height / width))
    else:
        shape = (int(size * width / height), size)
    scaled = Image.fromarray(image).resize(shape, Image.Resampling.BICUBIC)
    left = round((shape[0] - size) / 2)
    top = round((shape[1] - size) / 2)
    return np.asarray(scaled.crop((left, top, left + size, top + size)))
