"""The summary film: the best parts of a video, one after the other."""

from typing import Sequence

import numpy as np

from mmvtg.utils.files import replacing
from mmvtg.video.pictures import FilmSource

from .frames import open_video
from .video_writer import VideoWriter

_ROOM = 1280, 720  # frames are made no larger, pixels


def write_summary_video(
    video_path: str,
    spans: Sequence[Sequence[float]],
    out_file: str,
    max_fps: float = 30.0,
) -> None:
    """Write the parts of a video as one film; the sound is not kept.

    Args:
        video_path (str): The video.
        spans (Sequence): (n, 2) seconds, in the order in which they are shown.
        out_file (str): MP4 file; appears whole or not at all.
        max_fps (float): Frames per second, if the video has more.

    Raises:
        RuntimeError: The video cannot be read, or no writer is installed.
        ValueError: No spans, or ``max_fps`` is not positive.
    """
    if not len(spans) or not max_fps > 0:
        raise ValueError(
            f'write_summary_video: {len(spans)} spans at max_fps = {max_fps}: want at '
            'least one, and a positive rate'
        )
    parts = tuple((float(start), float(end)) for start, end in spans)
    source = FilmSource(max_fps, *_ROOM, parts)
    with replacing(out_file) as path, open_video(video_path, source) as video:
        frames = (_even(frame) for chunk in video.chunks() for frame in chunk)
        first = next(frames)
        with VideoWriter(path, video.facts['fps'], *first.shape[:2]) as writer:
            writer.write(first)
            for frame in frames:
                writer.write(frame)


def _even(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) without an odd last row or column, which codecs cannot have."""
    height, width = (side - side % 2 for side in frame.shape[:2])
    return frame[:height, :width]
