"""Which frame of a clip is read: the first one, or the one in its middle."""

import math
from typing import Any, Optional

from .video import FrameReader


class MiddleFrameReader(FrameReader):
    """One frame a clip, the last one before its middle.

    This is what ``ffmpeg -vf fps=0.5`` takes, and so the CLIP features of Moment-DETR
    and its successors; :class:`FrameReader` takes the first frame of a clip.
    """

    def __init__(self, path: str, fps: float, *args: Any) -> None:
        super().__init__(path, fps, *args)
        total, rate = len(self._reader), len(self._reader) / self.duration
        self._index = [frame_of_tick(i, fps, rate, total) for i in range(len(self))]


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


def open_frames(
    sampling: str, path: str, fps: float, size: int, video_id: Optional[str] = None
) -> FrameReader:
    """A reader of one frame a clip; see :class:`FrameReader`.

    Args:
        sampling (str): ``start``: the first frame of each clip; ``middle``: the last
            one before its middle.
        path (str): Video file.
        fps (float): Clips per second.
        size (int): Height and width of frames, pixels.
        video_id (str, optional): For messages.

    Raises:
        BadSampleError: The file is missing, empty, broken, or shorter than a clip.
    """
    reader = dict(start=FrameReader, middle=MiddleFrameReader)[sampling]
    return reader(path, fps, size, 1, video_id)
