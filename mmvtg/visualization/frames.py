"""Frames of a video for pictures and films, read in another process."""

from contextlib import contextmanager
from typing import Iterator

from mmvtg.video.apart import ApartVideo
from mmvtg.video.errors import BadSampleError
from mmvtg.video.messages import Source
from mmvtg.video.source import VideoItem

_BULK = 16  # frames decoded at once


@contextmanager
def open_video(path: str, source: Source) -> Iterator[ApartVideo]:
    """A video whose chunks are frames (n, H, W, 3) uint8 RGB.

    Raises:
        RuntimeError: It is missing, or breaks off while it is read.
    """
    try:
        with ApartVideo(VideoItem(None, path), source, _BULK) as video:
            yield video
    except BadSampleError as error:
        raise RuntimeError(f'no frames can be read from {path}: {error}') from error
