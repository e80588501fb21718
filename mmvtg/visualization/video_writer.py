"""Writes MP4 files with what is installed."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    import av


class VideoWriter:
    """An MP4 file, written by PyAV (H.264) if it is installed, else by OpenCV.

    Used with ``with``; without sound.

    Args:
        path (str): File to write.
        fps (float): Frames per second.
        height (int): Of frames, even.
        width (int): Likewise.

    Raises:
        RuntimeError: Neither writer is installed, or OpenCV has no codec.
    """

    def __init__(self, path: str, fps: float, height: int, width: int) -> None:
        try:
            import av  # noqa: F401
        except ImportError:
            self._writer: Any = _OpenCVWriter(path, fps, height, width)
        else:
            self._writer = _PyAVWriter(path, fps, height, width)

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, *unused: Any) -> None:
        self._writer.close()

    def write(self, frame: np.ndarray) -> None:
        """Add a frame, (H, W, 3) uint8 RGB."""
        self._writer.write(frame)


class _PyAVWriter:
    def __init__(self, path: str, fps: float, height: int, width: int) -> None:
        import av

        self._frame = av.VideoFrame.from_ndarray
        self._file = av.open(path, 'w', format='mp4')
        rate = Fraction(fps).limit_denominator(1001)
        codec = 'libx264' if 'libx264' in av.codecs_available else 'mpeg4'
        stream = self._file.add_stream(codec, rate=rate)
        self._stream = cast('av.VideoStream', stream)  # so both codecs say
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = 'yuv420p'

    def write(self, frame: np.ndarray) -> None:
        picture = self._frame(np.ascontiguousarray(frame), format='rgb24')
        self._file.mux(self._stream.encode(picture))

    def close(self) -> None:
        self._file.mux(self._stream.encode())
        self._file.close()


class _OpenCVWriter:
    def __init__(self, path: str, fps: float, height: int, width: int) -> None:
        try:
            import cv2
        except ImportError as error:
            raise RuntimeError(
                'no video can be written: install av (or opencv-python)'
            ) from error
        codec = cv2.VideoWriter.fourcc(*'mp4v')
        self._file = cv2.VideoWriter(path, codec, fps, (width, height))
        if not self._file.isOpened():
            raise RuntimeError('this OpenCV cannot write mp4 files: install av')

    def write(self, frame: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(frame[..., ::-1]))

    def close(self) -> None:
        self._file.release()
