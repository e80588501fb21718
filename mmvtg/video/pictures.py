"""Frames of a video for people: a strip of thumbnails, a film."""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

import decord
import numpy as np

from .files import decode_frames, open_file
from .source import VideoItem


def num_thumbnails(aspect: float, strip_aspect: float = 11.0) -> int:
    """How many frames make a strip of pleasant height.

    Args:
        aspect (float): Width / height of a frame.
        strip_aspect (float): Width / height of the whole strip.

    Returns:
        int: 4 to 14.
    """
    return int(np.clip(round(strip_aspect / aspect), 4, 14))


class PictureReader:
    """Some frames of an open video, (n, H, W, 3) uint8 RGB.

    Attributes:
        duration (float): Of the video, seconds.
        facts (dict): What else there is to say of it.
    """

    def __init__(
        self,
        path: str,
        reader: decord.VideoReader,
        index: np.ndarray,
        facts: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.path, self._reader, self.facts = path, reader, facts or {}
        self._index = np.minimum(index, len(reader) - 1).tolist()
        self.duration = len(reader) / float(reader.get_avg_fps())

    def __len__(self) -> int:
        return len(self._index)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Decode frames ``start`` to ``stop - 1`` of those chosen.

        Raises:
            BadSampleError: The video breaks off.
        """
        return decode_frames(self._reader, self._index[start:stop], self.path)


@dataclass(frozen=True)
class ProbeSource:
    """No frame: the reader says how long a video is."""

    def open(self, item: VideoItem) -> PictureReader:
        """A reader of nothing.

        Raises:
            BadSampleError: The file is missing, empty or broken.
        """
        return PictureReader(item.path, open_file(item.path), np.empty(0, int))


@dataclass(frozen=True)
class ThumbnailSource:
    """The frames in the middle of equal parts of a video.

    Args:
        height (int): Of the frames, pixels.
        duration (float, optional): Seconds to spread over; default is all of it.
    """

    height: int
    duration: Optional[float] = None

    def open(self, item: VideoItem) -> PictureReader:
        """A reader of thumbnails.

        Raises:
            BadSampleError: The file is missing, empty or broken.
        """
        height, width = _shape(item.path)
        width = max(round(self.height * width / height / 2) * 2, 2)
        reader = open_file(item.path, width=width, height=self.height)
        count = min(num_thumbnails(width / self.height), len(reader))
        length = self.duration or len(reader) / reader.get_avg_fps()
        times = (np.arange(count) + 0.5) / count * length
        index = (times * reader.get_avg_fps()).astype(int)
        return PictureReader(item.path, reader, index)


@dataclass(frozen=True)
class FilmSource:
    """All frames of a video at no more than a rate and a size.

    The reader's facts are ``fps``, and ``shape``: height and width of the video.

    Args:
        max_fps (float): Frames a second.
        max_width (int): Pixels.
        max_height (int): Pixels.
    """

    max_fps: float
    max_width: int
    max_height: int

    def open(self, item: VideoItem) -> PictureReader:
        """A reader of the film.

        Raises:
            BadSampleError: The file is missing, empty or broken.
        """
        height, width = _shape(item.path)
        # not larger than they are shown, but never scaled up by the decoder
        scale = min(1.0, self.max_width / width, self.max_height / height)
        size = [max(round(side * scale), 1) for side in (width, height)]
        reader = open_file(item.path, width=size[0], height=size[1])
        source = float(reader.get_avg_fps())
        fps = min(source, self.max_fps)
        total = max(int(len(reader) / source * fps), 1)
        index = (np.arange(total) * source / fps).round().astype(int)
        facts = dict(fps=fps, shape=(height, width))
        return PictureReader(item.path, reader, index, facts)


def _shape(path: str) -> Tuple[int, int]:
    """Height and width of a video."""
    height, width = decode_frames(open_file(path), [0], path).shape[1:3]
    return height, width
