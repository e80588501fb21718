"""Which frames of a video make a clip."""

import math
from dataclasses import dataclass
from typing import Any, List, NamedTuple, Optional, Tuple

import numpy as np
from torch import Tensor

from mmvtg.datasets.transforms.frame_readers import MiddleFrameReader, frame_of_tick
from mmvtg.datasets.transforms.video import FrameReader

#: Of Moment-DETR's SlowFast: frames a second of the grid, frames a clip, and how many
#: frames of the grid lie between two of a clip.
DENSE_RATE, DENSE_FRAMES, DENSE_STRIDE = 30, 32, 2


class VideoItem(NamedTuple):
    """A video to encode.

    Args:
        video_id (str): Names the features.
        path (str): Video file.
        fps (float, optional): Clips per second, if not the extractor's.
    """

    video_id: str
    path: str
    fps: Optional[float] = None


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

    def read(self, start: int, stop: int) -> Tensor:
        frames = super().read(start * DENSE_FRAMES, stop * DENSE_FRAMES)
        return frames.unflatten(0, (-1, DENSE_FRAMES))


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
        self._index = list(range(total))  # take() then counts frames, not clips

    def __len__(self) -> int:
        return len(self._shown)

    def read(self, start: int, stop: int) -> Tensor:
        wanted = self._shown[start:stop]
        frames, place = np.unique(wanted, return_inverse=True)
        return self.take(frames.tolist())[place.reshape(wanted.shape)]


def dense_ticks(rate: float, clip_ticks: int) -> List[int]:
    """The 32 ticks of a clip that Moment-DETR's extractor keeps.

    # parity: how far they reach depends on the frame rate of the source, although the
    # frames were brought to 30 a second before; below 28 it misses the end of a clip.

    Args:
        rate (float): Frames a second of the source.
        clip_ticks (int): Ticks of a clip, 60 of 2 s.
    """
    reach = DENSE_FRAMES * DENSE_STRIDE * math.floor(rate + 1e-6) / DENSE_RATE
    ticks = np.linspace(0, reach - 1, DENSE_FRAMES, dtype=np.float32)
    return ticks.clip(0, clip_ticks - 1).astype(int).tolist()


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
