"""Small frames of a video, evenly spread over its time."""

from typing import Optional

import numpy as np


def num_thumbnails(aspect: float, strip_aspect: float = 11.0) -> int:
    """How many frames make a strip of pleasant height.

    Args:
        aspect (float): Width / height of a frame.
        strip_aspect (float): Width / height of the whole strip.

    Returns:
        int: 4 to 14.
    """
    return int(np.clip(round(strip_aspect / aspect), 4, 14))


def read_thumbnails(
    path: str, duration: Optional[float] = None, height: int = 144
) -> np.ndarray:
    """Decode the frames in the middle of equal parts of a video.

    Args:
        path (str): Video file.
        duration (float, optional): Seconds to spread over; default is all of it.
        height (int): Of the frames, pixels.

    Returns:
        ndarray: (n, height, w, 3) uint8 RGB.

    Raises:
        RuntimeError: If the file is missing or cannot be decoded.
    """
    import decord  # slow to import, and not needed without videos

    from mmvtg.utils.decoding import DECODER_ERRORS

    try:
        height_full, width_full = decord.VideoReader(path)[0].shape[:2]
        width = max(round(height * width_full / height_full / 2) * 2, 2)
        reader = decord.VideoReader(path, width=width, height=height)
        count = min(num_thumbnails(width / height), len(reader))
        length = duration or len(reader) / reader.get_avg_fps()
        times = (np.arange(count) + 0.5) / count * length
        index = np.minimum((times * reader.get_avg_fps()).astype(int), len(reader) - 1)
        return reader.get_batch(index.tolist()).asnumpy()
    except DECODER_ERRORS as error:
        raise RuntimeError(f'no frames can be read from {path}: {error}') from error


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
