"""Writer of MP4 files."""

from fractions import Fraction
from typing import Any, cast

import av
import numpy as np


class VideoWriter:
    """An MP4 file without sound, in H.264 where FFmpeg has it; use it as a context.

    Args:
        path (str): File to write.
        fps (float): Frames per second.
        height (int): Height of frames, pixels, even.
        width (int): Width of frames, pixels, even.
    """

    def __init__(self, path: str, fps: float, height: int, width: int) -> None:
        self._file = av.open(path, 'w', format='mp4')
        rate = Fraction(fps).limit_denominator(1001)
        codec = 'libx264' if 'libx264' in av.codecs_available else 'mpeg4'
        stream = self._file.add_stream(codec, rate=rate)
        self._stream = cast('av.VideoStream', stream)  # add_stream is typed for both
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = 'yuv420p'

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, *unused: Any) -> None:
        self._file.mux(self._stream.encode())
        self._file.close()

    def write(self, frame: np.ndarray) -> None:
        """Add a frame, (H, W, 3) uint8 RGB."""
        picture = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(frame), format='rgb24'
        )
        self._file.mux(self._stream.encode(picture))
