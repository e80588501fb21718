"""The interface of all video readers, and the function that picks one."""

import os
import os.path as osp
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .errors import BadSampleError
from .timing import FrameTimes

BACKENDS = ('auto', 'pyav', 'decord')
#: Called whenever a reader makes progress, so that a stuck one can be noticed.
Progress = Callable[[], None]


def no_progress() -> None:
    """Report nothing."""


def check_backend(backend: str) -> None:
    """Check the name of a backend.

    Raises:
        ValueError: If ``backend`` is unknown.
    """
    if backend not in BACKENDS:
        raise ValueError(
            f'backend must be one of {", ".join(BACKENDS)}, got {backend!r}'
        )


class Size(NamedTuple):
    """Height and width in pixels."""

    height: int
    width: int


class VideoReader:
    """Frames of one video at the times at which a player shows them.

    Times are seconds from the player's zero: the start of the earliest audio or video
    stream. Frames that a player does not show (before the start of an MP4 edit list)
    do not exist. Frames come out as a player shows them: rotated as the metadata says,
    and with square pixels.

    Args:
        path (str): Video file, or folder of images.
        name (str): Name of the video in messages.

    Attributes:
        times (FrameTimes): When each frame is shown.
        rotation (int): Counterclockwise rotation that was applied, degrees.
    """

    times: FrameTimes
    rotation: int = 0

    def __init__(self, path: str, name: str) -> None:
        self.path, self.name = path, name

    def __len__(self) -> int:
        return len(self.times)

    @property
    def duration(self) -> float:
        """End of the last shown frame, seconds."""
        return self.times.end

    @property
    def timestamps(self) -> np.ndarray:
        """Presentation time of each frame, (N,) float64 seconds, ascending."""
        return self.times.times

    @property
    def size(self) -> Size:
        """Height and width of frames as shown, pixels."""
        raise NotImplementedError

    @property
    def height(self) -> int:
        """Height of frames as shown, pixels."""
        return self.size.height

    @property
    def width(self) -> int:
        """Width of frames as shown, pixels."""
        return self.size.width

    def nearest(self, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the frames nearest to ``times``; see :meth:`FrameTimes.nearest`."""
        return self.times.nearest(times)

    def frames_at(
        self, times: Sequence[float], size: tuple[int, int] | None = None
    ) -> Iterator[np.ndarray]:
        """Yield the frames nearest to ``times`` (seconds); see :meth:`frames`."""
        return self.frames(self.nearest(times), size)

    def frames(
        self, index: Sequence[int] | np.ndarray, size: tuple[int, int] | None = None
    ) -> Iterator[np.ndarray]:
        """Yield frames by number, in any order; ascending order is fastest.

        Args:
            index (Sequence[int]): Frame numbers, from 0.
            size (tuple[int, int], optional): Height and width to which frames are
                scaled (bicubic), pixels. Default: as shown.

        Yields:
            ndarray: (H, W, 3) uint8 RGB.

        Raises:
            BadSampleError: If the video breaks off.
        """
        last, image = -1, np.empty(0, np.uint8)
        for number in map(int, index):
            if number != last:
                last, image = number, self._read(number, size)
            yield image

    def _read(self, number: int, size: tuple[int, int] | None) -> np.ndarray:
        """Return one frame, (H, W, 3) uint8 RGB."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> 'VideoReader':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_video(
    path: str | os.PathLike,
    backend: str = 'auto',
    video_id: str | None = None,
    frame_rate: float | None = None,
    num_threads: int = 1,
    on_progress: Progress = no_progress,
) -> VideoReader:
    """Open a video file, or a folder of images, for reading frames by time.

    ``'pyav'``, the default, reads whatever FFmpeg reads. ``'decord'`` reads files whose
    time stamps it gets right: those of a constant frame rate that start at zero.

    Args:
        path (str): Video file; or folder of images, in the order of the numbers in
            their names.
        backend (str): ``'auto'`` (PyAV), ``'pyav'`` or ``'decord'``.
        video_id (str, optional): Name of the video in messages, besides its path.
        frame_rate (float, optional): Images per second; needed for a folder of images
            and ignored for a file.
        num_threads (int): Decoder threads; 0 lets the decoder choose.
        on_progress (callable): Called while the file is indexed and decoded.

    Raises:
        BadSampleError: If the file is missing, empty, damaged, has no video, or (with
            ``'decord'``) a variable frame rate.
        ValueError: If ``backend`` is unknown, or a folder comes without
            ``frame_rate``.
    """
    path = os.fspath(path)
    check_backend(backend)
    name = name_video(path, video_id)
    if osp.isdir(path):
        from .image_folder import ImageFolderReader

        return ImageFolderReader(path, name, frame_rate, on_progress)
    _check_file(path, name)
    if backend == 'decord':
        from .decord_reader import DecordReader

        return DecordReader(path, name, num_threads, on_progress)
    from .pyav_reader import PyAVReader

    return PyAVReader(path, name, num_threads, on_progress)


def probe_video(path: str, frame_rate: float | None = None) -> tuple[float, float, int]:
    """Return duration (seconds), mean frame rate and number of frames of a video.

    Raises:
        BadSampleError: If the file cannot be read.
    """
    with open_video(path, frame_rate=frame_rate) as reader:
        return reader.duration, reader.times.frame_rate, len(reader)


def name_video(path: str, video_id: str | None = None) -> str:
    """Return the name of a video for messages; always printable."""
    shown = os.fsencode(path).decode('utf-8', 'backslashreplace')
    return f'video {shown}' if video_id is None else f'video {video_id} ({shown})'


def _check_file(path: str, name: str) -> None:
    try:
        size = osp.getsize(path) if osp.isfile(path) else None
    except OSError as error:
        raise BadSampleError(f'{name} cannot be read: {error.strerror}') from error
    if size is None:
        kind = 'is not a file' if osp.exists(path) else 'does not exist'
        raise BadSampleError(
            f'{name} {kind}: check data_root and data_prefix, or download it'
        )
    if size == 0:
        raise BadSampleError(f'{name} is empty (0 bytes): download it again')
