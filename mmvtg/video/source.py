"""What is to be decoded of a video; small, so that it can go to another process."""

from dataclasses import dataclass
from typing import NamedTuple, Optional, Tuple

import numpy as np

from .grids import DENSE_FRAMES
from .readers import (
    CentredClipReader,
    DenseClipReader,
    FrameReader,
    MiddleFrameReader,
)


class VideoItem(NamedTuple):
    """A video to encode.

    Args:
        video_id (str, optional): Names the features, and the video in messages.
        path (str): Video file.
        fps (float, optional): Clips per second, if not the extractor's.
    """

    video_id: Optional[str]
    path: str
    fps: Optional[float] = None


_READERS = dict(
    start=FrameReader,
    middle=MiddleFrameReader,
    dense=DenseClipReader,
    centred=CentredClipReader,
)


@dataclass(frozen=True)
class FrameSource:
    """How videos become frames; small, so that it can go to another process.

    Args:
        size (int): Height and width of frames, pixels.
        fps (float, optional): Clips per second for items that name none.
        sampling (str): ``'start'``: the first frame of each clip; ``'middle'``: the
            one in its middle (CLIP features of Moment-DETR's family); ``'dense'``: 32
            frames a clip (SlowFast); ``'centred'``: so many frames around its middle.
        clip_frames (int, optional): Frames of a ``'centred'`` clip.
        clip_rate (float, optional): Frames a second of a ``'centred'`` clip.

    Raises:
        ValueError: Another ``sampling``, or ``'centred'`` without its two numbers.
    """

    size: int
    fps: Optional[float] = None
    sampling: str = 'start'
    clip_frames: Optional[int] = None
    clip_rate: Optional[float] = None

    def __post_init__(self) -> None:
        if self.sampling not in _READERS:
            raise ValueError(
                f'sampling is {self.sampling!r}, want one of {", ".join(_READERS)}'
            )
        numbers = (self.clip_frames, self.clip_rate)
        if self.sampling == 'centred' and not all(n and n > 0 for n in numbers):
            raise ValueError(
                f"sampling='centred' with clip_frames={self.clip_frames}, clip_rate="
                f'{self.clip_rate}: say how many frames, and how many of them a second'
            )

    @property
    def clip_shape(self) -> Tuple[int, ...]:
        """Shape of what a clip is decoded to, uint8."""
        frames = () if self.sampling in ('start', 'middle') else (self.frames_per_clip,)
        return (*frames, 3, self.size, self.size)

    @property
    def frames_per_clip(self) -> int:
        """How many frames a clip is decoded to."""
        return dict(dense=DENSE_FRAMES, centred=self.clip_frames).get(self.sampling, 1)

    def open(self, item: VideoItem) -> FrameReader:
        """A reader of clips.

        Raises:
            BadSampleError: The file is missing, empty, broken or too short.
        """
        fps = self.fps if item.fps is None else item.fps
        grid = {}
        if self.sampling == 'centred':
            grid = dict(num_frames=self.clip_frames, rate=self.clip_rate)
        reader = _READERS[self.sampling]
        return reader(item.path, fps, self.size, 1, item.video_id, **grid)


@dataclass(frozen=True)
class ChosenSource:
    """Some clips of a video alone.

    Args:
        source (FrameSource): Of one frame a clip.
        clips (tuple[int]): Which, ascending.
    """

    source: FrameSource
    clips: Tuple[int, ...]

    def open(self, item: VideoItem) -> 'ChosenReader':
        """A reader of these clips; raises what the source does."""
        return ChosenReader(self.source.open(item), self.clips)


class ChosenReader:
    """Clips of another reader, counted from 0.

    Attributes:
        duration (float): Of the video, seconds.
    """

    def __init__(self, reader: FrameReader, clips: Tuple[int, ...]) -> None:
        self._reader, self._clips = reader, clips
        self.duration = reader.duration

    def __len__(self) -> int:
        return len(self._clips)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Frames (n, 3, size, size) uint8 of chosen clips ``start`` to ``stop - 1``.

        Raises:
            BadSampleError: The video breaks off.
        """
        return self._reader.take(self._clips[start:stop])
