"""Frames of a video for people: a strip of thumbnails, a film."""

import os.path as osp
from dataclasses import dataclass

import numpy as np

from .clips import VideoItem
from .errors import BadSampleError
from .reader import Progress, Size, VideoReader, no_progress, open_video

#: Width / height up to which thumbnails keep their height.
_MAX_ASPECT = 16
#: Frames per second of a film of a slower video, so that its clock runs smoothly.
_MIN_FPS = 1.0


def num_thumbnails(aspect: float, strip_aspect: float = 11.0) -> int:
    """Return the number of frames in a strip of pleasant height, 4 to 14.

    Args:
        aspect (float): Width / height of a frame.
        strip_aspect (float): Width / height of the whole strip.
    """
    return int(np.clip(round(strip_aspect / aspect), 4, 14))


class PictureReader:
    """Some frames of an open video, scaled; use it as a context.

    Args:
        reader (VideoReader): The video.
        frames (ndarray): (n,) int64 frame numbers.
        size (Size): Height and width to which frames are scaled, pixels.
        duration (float): See the source that made the reader, seconds.
    """

    def __init__(
        self, reader: VideoReader, frames: np.ndarray, size: Size, duration: float
    ) -> None:
        self._reader, self._frames, self._size = reader, frames, size
        self.duration = duration

    def __len__(self) -> int:
        return len(self._frames)

    def __enter__(self) -> 'PictureReader':
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def read(self, start: int, stop: int) -> np.ndarray:
        """Decode pictures ``start`` to ``stop - 1``, (n, H, W, 3) uint8 RGB.

        Raises:
            BadSampleError: If the video breaks off.
        """
        numbers = self._frames[start:stop]
        pictures = np.empty((len(numbers), *self._size, 3), np.uint8)
        for index, frame in enumerate(self._reader.frames(numbers, self._size)):
            pictures[index] = frame
        return pictures


@dataclass(frozen=True)
class ThumbnailSource:
    """Frames that are shown in the middle of equal parts of a video.

    The duration of its reader is that of the video.

    Args:
        height (int): Height of the frames, pixels; frames much wider than high become
            lower.
        duration (float, optional): Seconds that the parts cover. Default: all of the
            video.
    """

    height: int
    duration: float | None = None

    @property
    def max_shape(self) -> tuple[int, int, int]:
        """Shape of the largest possible frame, (H, W, 3)."""
        return self.height, self.height * _MAX_ASPECT, 3

    def open(
        self, item: VideoItem, on_progress: Progress = no_progress
    ) -> PictureReader:
        """Open a video; without a frame rate, images of a folder share ``duration``.

        Raises:
            BadSampleError: If the file is missing, damaged or has no video.
        """
        reader = open_video(
            item.path,
            video_id=item.video_id,
            frame_rate=item.frame_rate or 1.0,
            on_progress=on_progress,
        )
        length = self.duration or reader.duration
        if osp.isdir(item.path) and not item.frame_rate:
            length = reader.duration
        size = _fit(reader.size, *self.max_shape[:2])
        count = min(num_thumbnails(size.width / size.height), len(reader))
        times = (np.arange(count) + 0.5) / count * length
        return PictureReader(reader, reader.times.shown(times), size, reader.duration)


@dataclass(frozen=True)
class FilmSource:
    """Frames of a video, or of parts of it, at a constant rate and at true speed.

    The rate is the mean frame rate of the video, at most ``max_fps``. The duration of
    its reader is that of the film: the rate is ``len(reader) / reader.duration``.

    Args:
        max_fps (float): Maximum frames per second.
        max_width (int): Maximum width of frames, pixels.
        max_height (int): Maximum height of frames, pixels; small frames are not
            scaled up.
        spans (tuple, optional): (start, end) of the parts in seconds, in the order in
            which they are shown. Default: the whole video.
    """

    max_fps: float
    max_width: int
    max_height: int
    spans: tuple[tuple[float, float], ...] | None = None

    @property
    def max_shape(self) -> tuple[int, int, int]:
        """Shape of the largest possible frame, (H, W, 3)."""
        return self.max_height, self.max_width, 3

    def open(
        self, item: VideoItem, on_progress: Progress = no_progress
    ) -> PictureReader:
        """Open a video.

        Raises:
            BadSampleError: If the file is missing, damaged or has no video, or if no
                part lies in it.
            ValueError: If a folder of images comes without ``frame_rate``.
        """
        reader = open_video(
            item.path,
            video_id=item.video_id,
            frame_rate=item.frame_rate,
            on_progress=on_progress,
        )
        fps = min(max(reader.times.frame_rate, _MIN_FPS), self.max_fps)
        times = [
            start + np.arange(max(int((end - start) * fps + 1e-6), 1)) / fps
            for start, end in self._parts(reader.duration)
        ]
        if not times:
            reader.close()
            raise BadSampleError(
                f'{reader.name} is {reader.duration:.2f} s long, and none of the spans '
                f'{[list(span) for span in self.spans or ()]} (seconds) lies in it'
            )
        frames = reader.times.shown(np.concatenate(times))
        scale = min(1.0, self.max_width / reader.width, self.max_height / reader.height)
        size = _scaled(reader.size, scale)
        return PictureReader(reader, frames, size, len(frames) / fps)

    def _parts(self, duration: float) -> list[tuple[float, float]]:
        """Return the parts that lie in the video, cut off at its ends."""
        if self.spans is None:
            return [(0.0, duration)]
        parts = [(max(start, 0.0), min(end, duration)) for start, end in self.spans]
        return [(start, end) for start, end in parts if start < end]


def _fit(size: Size, height: int, width: int) -> Size:
    """Return the size of a frame that fills a box as far as its shape allows."""
    return _scaled(size, min(height / size.height, width / size.width))


def _scaled(size: Size, scale: float) -> Size:
    return Size(max(round(size.height * scale), 1), max(round(size.width * scale), 1))
