"""The summary film: the best parts of a video, one after the other."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from mmvtg.utils.files import replacing
from mmvtg.video.pictures import FilmSource

from .frames import open_pictures
from .video_writer import VideoWriter

_MAX_WIDTH, _MAX_HEIGHT = 1280, 720  # pixels


def write_summary_video(
    video_path: str,
    spans: Sequence[Sequence[float]],
    out_file: str,
    max_fps: float = 30.0,
    frame_rate: float | None = None,
) -> None:
    """Write the parts of a video as one film, without sound.

    Args:
        video_path (str): Video file or folder of images.
        spans (Sequence): (n, 2) start and end of the parts in seconds, in the order in
            which they are shown; parts outside of the video are skipped.
        out_file (str): MP4 file; written completely or not at all.
        max_fps (float): Maximum frames per second.
        frame_rate (float, optional): Images per second of a folder of images.

    Raises:
        RuntimeError: If the video cannot be read, or if no part lies in it.
        ValueError: If ``spans`` is empty, if ``max_fps`` is not positive, or if a
            folder of images comes without ``frame_rate``.
    """
    if not len(spans) or not max_fps > 0:
        raise ValueError(
            'write_summary_video: spans must not be empty and max_fps must be > 0, got '
            f'{len(spans)} spans and max_fps = {max_fps}'
        )
    parts = tuple((float(start), float(end)) for start, end in spans)
    source = FilmSource(max_fps, _MAX_WIDTH, _MAX_HEIGHT, parts)
    with (
        replacing(out_file) as path,
        open_pictures(video_path, source, frame_rate) as video,
    ):
        frames = (_even(frame) for chunk in video.chunks() for frame in chunk)
        first = next(frames)
        fps = len(video) / video.duration
        with VideoWriter(path, fps, *first.shape[:2]) as writer:
            for frame in chain([first], frames):
                writer.write(frame)


def _even(frame: np.ndarray) -> np.ndarray:
    """Repeat an odd last row or column of (H, W, 3), which H.264 cannot have."""
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
