"""Which frames of a video make a clip."""

import math
from dataclasses import dataclass
from typing import Any, List, NamedTuple, Optional, Tuple

import numpy as np
from torch import Tensor

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

    def read(self, start: int, stop: int) -> Tensor:
        frames = super().read(start * DENSE_FRAMES, stop * DENSE_FRAMES)
        return frames.unflatten(0, (-1, DENSE_FRAMES))


def frame_of_tick(tick: int, grid: float, rate: float, total: int) -> int:
    """Source frame that a regular grid shows at a tick, as ffmpeg's ``fps`` does.

    A source frame belongs to the tick that is nearest to it, and a tick shows the last
    frame that belongs to it or to an earlier one.

    Args:
        tick (int): Number of the grid point, from 0.
        grid (float): Ticks a second.
        rate (float): Frames a second of the source.
        total (int): Frames of the source.
    """
    frame = math.ceil((tick + 0.5) * rate / grid - 1e-6) - 1
    return min(max(frame, 0), total - 1)


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


_READERS = dict(start=FrameReader, middle=MiddleFrameReader, dense=DenseClipReader)


@dataclass(frozen=True)
class FrameSource:
    """How videos become frames; small, so that it can go to another process.

    Args:
        size (int): Height and width of frames, pixels.
        fps (float, optional): Clips per second for items that name none.
        sampling (str): ``'start'``: the first frame of each clip; ``'middle'``: the
            one in its middle (CLIP features of Moment-DETR's family); ``'dense'``: 32
            frames a clip (SlowFast).

    Raises:
        ValueError: Another ``sampling``.
    """

    size: int
    fps: Optional[float] = None
    sampling: str = 'start'

    def __post_init__(self) -> None:
        if self.sampling not in _READERS:
            raise ValueError(
                f'sampling is {self.sampling!r}, want one of {", ".join(_READERS)}'
            )

    @property
    def clip_shape(self) -> Tuple[int, ...]:
        """Shape of what a clip is decoded to, uint8."""
        frames = (DENSE_FRAMES,) if self.sampling == 'dense' else ()
        return (*frames, 3, self.size, self.size)

    @property
    def frames_per_clip(self) -> int:
        return DENSE_FRAMES if self.sampling == 'dense' else 1

    def open(self, item: VideoItem) -> FrameReader:
        """A reader of clips.

        Raises:
            BadSampleError: The file is missing, empty, broken or too short.
        """
        fps = self.fps if item.fps is None else item.fps
        return _READERS[self.sampling](item.path, fps, self.size, 1, item.video_id)
