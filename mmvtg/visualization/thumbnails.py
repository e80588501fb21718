"""Small frames of a video, evenly spread over its time."""

from typing import Optional

import numpy as np

from mmvtg.video.pictures import ThumbnailSource, num_thumbnails

from .frames import open_video


def read_thumbnails(
    path: str, duration: Optional[float] = None, height: int = 144
) -> np.ndarray:
    """Decode the frames in the middle of equal parts of a video, in another process.

    Args:
        path (str): Video file.
        duration (float, optional): Seconds to spread over; default is all of it.
        height (int): Of the frames, pixels.

    Returns:
        ndarray: (n, height, w, 3) uint8 RGB.

    Raises:
        RuntimeError: If the file is missing or cannot be decoded.
    """
    with open_video(path, ThumbnailSource(height, duration)) as video:
        return np.concatenate(list(video.chunks()))


def spread_thumbnails(frames: np.ndarray) -> np.ndarray:
    """Choose thumbnails of decoded frames.

    Args:
        frames (ndarray): (T, H, W, 3) uint8 RGB, evenly spaced over the video.

    Returns:
        ndarray: (n, H, W, 3), the middle frames of n equal parts.

    Raises:
        ValueError: If the frames have another shape.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or len(frames) == 0:
        raise ValueError(f'frames must be (T, H, W, 3) RGB, not {frames.shape}')
    count = min(num_thumbnails(frames.shape[2] / frames.shape[1]), len(frames))
    index = (np.arange(count) + 0.5) / count * len(frames)
    return frames[index.astype(int)]
