"""Readers of clips: frames of a video, decoded when they are asked for."""

import math
from typing import Any, List, Optional, Sequence

import numpy as np
from PIL import Image

from .errors import BadSampleError
from .files import decode_frames, name_video, open_file
from .grids import (
    DENSE_FRAMES,
    DENSE_RATE,
    dense_ticks,
    frame_indices,
    frame_of_tick,
    num_clips,
)

_BULK = 32  # full-size frames held at once


class FrameReader:
    """Frames of one video at the clip rate, decoded when they are asked for.

    ``len()`` is the number of clips. Opening reads the container, no frame.

    Args:
        path (str): Video file.
        fps (float): Clips per second.
        size (int): Output height and width, pixels.
        num_threads (int): Decoder threads.
        video_id (str, optional): For messages.

    Attributes:
        duration (float): Of the video, seconds.

    Raises:
        BadSampleError: The file is missing, empty, broken, or shorter than a clip.
    """

    def __init__(
        self,
        path: str,
        fps: float,
        size: int,
        num_threads: int = 1,
        video_id: Optional[str] = None,
    ) -> None:
        self.path, self.size, self.video_id = path, size, video_id
        self._reader = open_file(path, num_threads, video_id)
        source_fps = float(self._reader.get_avg_fps())
        self.duration = len(self._reader) / source_fps
        total = num_clips(self.duration, fps)
        if total == 0:
            raise BadSampleError(
                f'{name_video(path, video_id)} is {self.duration:.3f} s long, less than'
                f' one clip of {1 / fps:g} s: leave it out, or raise fps'
            )
        self._index = frame_indices(total, fps, source_fps, len(self._reader))

    def __len__(self) -> int:
        return len(self._index)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Decode the frames of clips ``start`` to ``stop - 1``.

        Returns:
            ndarray: (stop - start, 3, size, size) uint8 RGB.

        Raises:
            BadSampleError: The video breaks off.
        """
        return self.take(range(start, stop))

    def take(self, clips: Sequence[int]) -> np.ndarray:
        """As :meth:`read`, the frames of any clips, ascending."""
        wanted = [self._index[clip] for clip in clips]
        out = np.empty((len(wanted), 3, self.size, self.size), np.uint8)
        for first in range(0, len(wanted), _BULK):
            bulk = wanted[first : first + _BULK]
            images = decode_frames(self._reader, bulk, self.path, self.video_id)
            for i, image in enumerate(images, first):
                out[i] = _resize(image, self.size).transpose(2, 0, 1)
        return out


class MiddleFrameReader(FrameReader):
    """One frame a clip, the last one before its middle.

    This is what ``ffmpeg -vf fps=0.5`` takes, and so the CLIP features of Moment-DETR
    and its successors; :class:`FrameReader` takes the first frame of a clip.
    """

    def __init__(self, path: str, fps: float, *args: Any) -> None:
        super().__init__(path, fps, *args)
        total, rate = len(self._reader), len(self._reader) / self.duration
        self._index = [frame_of_tick(i, fps, rate, total) for i in range(len(self))]


class DenseClipReader(FrameReader):
    """All of a clip: 32 frames, as Moment-DETR's SlowFast features want them.

    The video is brought to 30 frames a second and cut into clips of ``1 / fps`` s; the
    last one is filled up with the last frame. Of each, 32 frames are taken, every
    second one from the first. ``read(start, stop)`` gives (stop - start, 32, 3, size,
    size).
    """

    def __init__(self, path: str, fps: float, *args: Any) -> None:
        super().__init__(path, fps, *args)
        total, rate = len(self._reader), len(self._reader) / self.duration
        ticks = dense_ticks(rate, round(DENSE_RATE / fps))
        self._clips = math.ceil(self.duration * fps - 1e-3)
        self._index = [
            frame_of_tick(
                clip * round(DENSE_RATE / fps) + tick, DENSE_RATE, rate, total
            )
            for clip in range(self._clips)
            for tick in ticks
        ]

    def __len__(self) -> int:
        return self._clips

    def read(self, start: int, stop: int) -> np.ndarray:
        """Clips ``start`` to ``stop - 1``: (n, 32, 3, size, size) uint8 RGB."""
        frames = super().read(start * DENSE_FRAMES, stop * DENSE_FRAMES)
        return frames.reshape(-1, DENSE_FRAMES, *frames.shape[1:])


class CentredClipReader(FrameReader):
    """Frames of a regular grid around the middle of each clip.

    Frame ``j`` of clip ``i`` is the one shown at ``(i + 0.5) / fps + (j - (F - 1) / 2)
    / rate`` seconds; before the first and after the last frame of the video these are
    repeated. ``F / rate`` seconds may be more than a clip: neighbours then overlap.
    ``read(start, stop)`` gives (stop - start, F, 3, size, size).

    Args:
        num_frames (int): F.
        rate (float): Frames a second of the grid.
    """

    def __init__(
        self, path: str, fps: float, *args: Any, num_frames: int, rate: float
    ) -> None:
        super().__init__(path, fps, *args)
        total, source_fps = len(self._reader), len(self._reader) / self.duration
        middles = (np.arange(len(self._index)) + 0.5) / fps
        offsets = (np.arange(num_frames) - (num_frames - 1) / 2) / rate
        shown = np.floor((middles[:, None] + offsets) * source_fps + 1e-6)
        self._shown = shown.clip(0, total - 1).astype(int)
        self._index: List[int] = list(range(total))  # take() counts frames, not clips

    def __len__(self) -> int:
        return len(self._shown)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Clips ``start`` to ``stop - 1``: (n, F, 3, size, size) uint8 RGB."""
        wanted = self._shown[start:stop]
        frames, place = np.unique(wanted, return_inverse=True)
        return self.take(frames.tolist())[place.reshape(wanted.shape)]


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, 3) uint8 -> (size, size, 3): short side scaled, then the centre."""
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    if width <= height:
        shape = (size, int(size * height / width))
    else:
        shape = (int(size * width / height), size)
    scaled = Image.fromarray(image).resize(shape, Image.BICUBIC)
    left = round((shape[0] - size) / 2)
    top = round((shape[1] - size) / 2)
    return np.array(scaled.crop((left, top, left + size, top + size)))
