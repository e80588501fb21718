"""Frames of a video for pictures and films, decoded in a thread."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmvtg.video.clips import VideoItem
from mmvtg.video.decoding import DecodedVideo, chunk_length
from mmvtg.video.errors import BadSampleError
from mmvtg.video.pictures import FilmSource, ThumbnailSource

_CHUNK = 16  # frames decoded at once
_CHUNKS = 5  # in memory: one is read, one is put, two wait, one is used


@contextmanager
def open_pictures(
    path: str, source: FilmSource | ThumbnailSource, frame_rate: float | None = None
) -> Iterator[DecodedVideo]:
    """Open a video whose chunks are frames (n, H, W, 3) uint8 RGB.

    Args:
        path (str): Video file or folder of images.
        source (FilmSource | ThumbnailSource): Frames to decode.
        frame_rate (float, optional): Images per second of a folder of images.

    Raises:
        RuntimeError: If the video is missing, damaged or stuck, also while it is read.
    """
    item = VideoItem(None, path, frame_rate=frame_rate)
    frames = chunk_length(source.max_shape, _CHUNK, _CHUNKS)
    try:
        with DecodedVideo(item, source, frames) as video:
            yield video
    except BadSampleError as error:
        raise RuntimeError(f'no frames can be read from {path}: {error}') from error
