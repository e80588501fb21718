"""Small frames of a video, evenly spread over its time."""

import numpy as np

from mmvtg.video.pictures import ThumbnailSource, num_thumbnails

from .frames import open_pictures


def read_thumbnails(
    path: str,
    duration: float | None = None,
    height: int = 144,
    frame_rate: float | None = None,
) -> np.ndarray:
    """Decode the frames in the middle of equal parts of a video.

    Args:
        path (str): Video file or folder of images.
        duration (float, optional): Seconds that the parts cover. Default: all of the
            video.
        height (int): Height of the frames, pixels.
        frame_rate (float, optional): Images per second of a folder of images.
            Default: its images share ``duration``.

    Returns:
        ndarray: (n, height, W, 3) uint8 RGB; lower frames if they are over 16 times
        as wide as high.

    Raises:
        RuntimeError: If the video is missing, cannot be decoded, or is stuck.
    """
    source = ThumbnailSource(height, duration)
    with open_pictures(path, source, frame_rate) as video:
        return np.concatenate(list(video.chunks()))


def spread_thumbnails(frames: np.ndarray) -> np.ndarray:
    """Choose thumbnails from decoded frames.

    Args:
        frames (ndarray): (T, H, W, 3) uint8 RGB, evenly spaced over the video.

    Returns:
        ndarray: (n, H, W, 3), the middle frames of n equal parts.

    Raises:
        ValueError: If ``frames`` have a different shape.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or len(frames) == 0:
        raise ValueError(f'frames must be (T, H, W, 3) RGB, not {frames.shape}')
    count = min(num_thumbnails(frames.shape[2] / frames.shape[1]), len(frames))
    index = (np.arange(count) + 0.5) / count * len(frames)
    return frames[index.astype(int)]
