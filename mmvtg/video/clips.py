"""Videos as sequences of clips: one frame, or several, every ``1 / fps`` seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from . import grids
from .errors import BadSampleError
from .reader import Progress, VideoReader, check_backend, no_progress, open_video

SAMPLINGS = ('start', 'middle', 'dense', 'centred')
_ONE_FRAME = ('start', 'middle')
#: Beyond this ratio of sides only the middle of a frame is scaled, for memory.
_MAX_ASPECT = 16


class VideoItem(NamedTuple):
    """A video to decode.

    Args:
        video_id (str | None): Name of the features, and of the video in messages.
        path (str): Video file or folder of images.
        fps (float | None): Clips per second; default is that of the source.
        frame_rate (float | None): Images per second of a folder of images; default is
            one image per clip.
    """

    video_id: str | None
    path: str
    fps: float | None = None
    frame_rate: float | None = None


@dataclass(frozen=True)
class FrameSource:
    """Recipe that turns videos into clips.

    Args:
        size (int): Height and width of frames, pixels.
        fps (float, optional): Clips per second for items without a rate.
        sampling (str): Frames that make a clip. ``'start'``: the frame nearest to its
            start; ``'middle'``: the last frame before its middle (Moment-DETR's CLIP
            features, R2-Tuning); ``'dense'``: 32 frames (Moment-DETR's SlowFast);
            ``'centred'``: ``clip_frames`` frames around its middle.
        clip_frames (int, optional): Frames of a ``'centred'`` clip.
        clip_rate (float, optional): Frames per second of a ``'centred'`` clip.
        backend (str): See :func:`open_video`.

    Raises:
        ValueError: If ``sampling`` or ``backend`` is unknown, or ``'centred'`` comes
            without its two numbers.
    """

    size: int
    fps: float | None = None
    sampling: str = 'start'
    clip_frames: int | None = None
    clip_rate: float | None = None
    backend: str = 'auto'

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLINGS:
            raise ValueError(
                f'sampling must be one of {", ".join(SAMPLINGS)}, got {self.sampling!r}'
            )
        check_backend(self.backend)
        numbers = (self.clip_frames, self.clip_rate)
        if self.sampling == 'centred' and not all(n and n > 0 for n in numbers):
            raise ValueError(
                f"sampling='centred' needs a positive clip_frames and clip_rate, got "
                f'{self.clip_frames} and {self.clip_rate}'
            )

    @property
    def frames_per_clip(self) -> int:
        """Number of frames of each clip."""
        if self.sampling == 'centred':
            return int(self.clip_frames or 0)
        return grids.DENSE_FRAMES if self.sampling == 'dense' else 1

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """Shape of a clip, ``(3, size, size)`` or ``(F, 3, size, size)``, uint8."""
        frames = () if self.sampling in _ONE_FRAME else (self.frames_per_clip,)
        return (*frames, 3, self.size, self.size)

    def describe(self) -> dict:
        """Return the fields of the sampling for the manifest of a feature store."""
        facts: dict = dict(frame_size=self.size, sampling=self.sampling)
        # of a video that ends within a clip
        facts['last_clip'] = 'padded' if self.sampling == 'dense' else 'dropped'
        if self.sampling == 'centred':
            facts.update(clip_frames=self.clip_frames, clip_rate=self.clip_rate)
        return facts

    def open(
        self, item: VideoItem, on_progress: Progress = no_progress, num_threads: int = 1
    ) -> 'ClipReader':
        """Open a video.

        Raises:
            BadSampleError: If the file is missing, damaged or shorter than a clip.
            ValueError: If neither the item nor the source has a clip rate.
        """
        fps = self.fps if item.fps is None else item.fps
        if fps is None or not fps > 0:
            raise ValueError(f'fps must be positive clips per second, got {fps}')
        reader = open_video(
            item.path,
            self.backend,
            item.video_id,
            item.frame_rate or fps,
            num_threads,
            on_progress,
        )
        frames = self._grid(reader, fps)
        if not len(frames):
            reader.close()
            raise BadSampleError(
                f'{reader.name} is {reader.duration:.3f} s long, less than one clip of '
                f'{1 / fps:g} s: leave it out, or raise fps'
            )
        return ClipReader(reader, frames, self)

    def _grid(self, reader: VideoReader, fps: float) -> np.ndarray:
        if self.sampling == 'centred':
            assert self.clip_frames and self.clip_rate
            return grids.centred_frames(
                reader.times, fps, self.clip_frames, self.clip_rate
            )
        grid = dict(
            start=grids.start_frames,
            middle=grids.middle_frames,
            dense=grids.dense_frames,
        )[self.sampling]
        return grid(reader.times, fps)


class ClipReader:
    """Clips of one open video, decoded when they are read; use it as a context.

    Args:
        reader (VideoReader): The video.
        frames (ndarray): (T, F) int64 frame numbers of each clip.
        source (FrameSource): Frame size, and shape of a clip.

    Attributes:
        duration (float): Duration of the video, seconds.
        frame_numbers (ndarray): (T, F), as given.
    """

    def __init__(
        self, reader: VideoReader, frames: np.ndarray, source: FrameSource
    ) -> None:
        self.reader, self.source = reader, source
        self.frame_numbers = frames
        self.duration = reader.duration

    def __len__(self) -> int:
        return len(self.frame_numbers)

    def __enter__(self) -> 'ClipReader':
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()

    def read(self, start: int, stop: int) -> np.ndarray:
        """Decode clips ``start`` to ``stop - 1``; see :meth:`take`."""
        return self.take(range(start, stop))

    def take(self, clips: Sequence[int]) -> np.ndarray:
        """Decode clips by number; ascending order is fastest.

        Returns:
            ndarray: (n, 3, size, size), or (n, F, 3, size, size) if clips have several
            frames, uint8 RGB.

        Raises:
            BadSampleError: If the video breaks off.
        """
        wanted = self.frame_numbers[list(clips)]
        numbers, place = np.unique(wanted, return_inverse=True)
        size = self.source.size
        images = np.empty((len(numbers), 3, size, size), np.uint8)
        for index, image in enumerate(self.reader.frames(numbers)):
            images[index] = _crop_resized(image, size).transpose(2, 0, 1)
        return images[place].reshape(-1, *self.source.clip_shape)


@dataclass(frozen=True)
class ChosenClips:
    """Recipe for some clips of a video.

    Args:
        source (FrameSource): Recipe for all clips.
        clips (tuple[int]): Clips to decode, ascending.
    """

    source: FrameSource
    clips: tuple[int, ...]

    def open(
        self, item: VideoItem, on_progress: Progress = no_progress
    ) -> 'ClipReader':
        """Open a video; raises the same errors as the source."""
        reader = self.source.open(item, on_progress)
        reader.frame_numbers = reader.frame_numbers[list(self.clips)]
        return reader


def _crop_resized(image: np.ndarray, size: int) -> np.ndarray:
    """Scale the short side of (H, W, 3) uint8 to ``size`` and crop the center."""
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    longest = min(height, width) * _MAX_ASPECT
    if max(height, width) > longest:
        top, left = max(height - longest, 0) // 2, max(width - longest, 0) // 2
        image = image[top : top + longest, left : left + longest]
        height, width = image.shape[:2]
    if width <= height:
        shape = (size, int(size * height / width))
    else:
        shape = (int(size * width / height), size)
    scaled = Image.fromarray(image).resize(shape, Image.Resampling.BICUBIC)
    left = round((shape[0] - size) / 2)
    top = round((shape[1] - size) / 2)
    return np.asarray(scaled.crop((left, top, left + size, top + size)))
