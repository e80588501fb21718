"""Reader of video files on decord, for random access in training."""

import decord
import numpy as np
from decord._ffi.base import DECORDError

from .containers import (
    codec_of,
    first_line,
    open_container,
    video_stream,
)
from .errors import BadSampleError
from .frame_index import FrameIndex, index_of
from .pyav_reader import PyAVReader
from .reader import Progress, Size, VideoReader, no_progress

#: DECORDError is no RuntimeError; opening raises the one, decoding the other.
DECODER_ERRORS = (DECORDError, RuntimeError, IndexError)
#: By how much decord's time stamps may differ from the true ones, s.
_TOLERANCE = 2e-3


class DecordReader(VideoReader):
    """Frames of a video file of a constant frame rate by decord.

    decord counts frames, and seeks to keyframes. So it is right only for a constant
    rate from zero and closed groups of pictures, and where its own time stamps are the
    true ones. Other files are refused.

    Args:
        path (str): Video file.
        name (str): Name of the video in messages.
        num_threads (int): Decoder threads; 0 lets the decoder choose.
        on_progress (callable): Called before each frame is decoded.

    Raises:
        BadSampleError: If the file is damaged, or decord would get its times wrong.
    """

    def __init__(
        self,
        path: str,
        name: str,
        num_threads: int = 1,
        on_progress: Progress = no_progress,
    ) -> None:
        super().__init__(path, name)
        self._on_progress = on_progress
        index = index_of(path, name, on_progress)
        reason = _why_not(index)
        if reason is not None:
            raise self._refused(reason)
        try:
            self._reader = decord.VideoReader(
                path, decord.cpu(0), num_threads=num_threads
            )
            total = len(self._reader)
            stamps = self._reader.get_frame_timestamp(range(total))[:, 0]
        except DECODER_ERRORS as error:
            with open_container(path, name) as container:
                codec = codec_of(video_stream(container, name))
            raise self._refused(
                f'decord cannot open its {codec} video ({first_line(error)})'
            ) from error
        self.times = index.times
        if total != len(self) or np.abs(stamps - self.timestamps).max() > _TOLERANCE:
            raise self._refused('decord finds other frames or times in it')
        self._compare(index, on_progress)

    def _compare(self, index: FrameIndex, on_progress: Progress) -> None:
        """Refuse a file of which decord shows other frames than FFmpeg today.

        Keyframes are compared, for there decord goes wrong (intra refresh), and with
        them rotation, colors and odd sizes.

        Raises:
            BadSampleError: If a frame differs.
        """
        keys = [index.number_of(int(pts)) for pts in index.keys[:3]]
        numbers = sorted({0, *keys, len(self) - 1})
        with PyAVReader(self.path, self.name, 1, on_progress) as truth:
            for number, right in zip(numbers, truth.frames(numbers)):
                own = self._read(number, None)
                if own.shape != right.shape or not np.array_equal(own, right):
                    raise self._refused(f'decord shows another frame {number}')

    @property
    def size(self) -> Size:
        """Height and width of the first frame, pixels."""
        return Size(*self._read(0, None).shape[:2])

    def _refused(self, reason: str) -> BadSampleError:
        return BadSampleError(f"{self.name}: {reason}; read it with backend='pyav'")

    def _read(self, number: int, size: tuple[int, int] | None) -> np.ndarray:
        self._on_progress()
        try:
            image = self._reader[number].asnumpy()
        except DECODER_ERRORS as error:
            raise BadSampleError(
                f'{self.name} breaks off at {self.timestamps[number]:.2f} s of '
                f'{self.duration:.2f} s ({first_line(error)}); it is truncated or '
                'corrupt: download it again, or re-encode it with ffmpeg'
            ) from error
        if size is None:
            return image
        from PIL import Image

        scaled = Image.fromarray(image).resize(
            (size[1], size[0]), Image.Resampling.BICUBIC
        )
        return np.asarray(scaled)


def _why_not(index: FrameIndex) -> str | None:
    """Return the reason why decord cannot read a file, if there is one."""
    if not index.seekable:
        return 'decord reads wrong times or frames of this container'
    if index.times.rate is None:
        return 'its frame rate varies, and decord counts frames'
    if index.times.times[0] > _TOLERANCE:
        return f'its first frame is shown at {index.times.times[0]:.3f} s, not at 0'
    if index.has_leading:
        return 'its groups of pictures are open, and decord seeks to wrong frames'
    if index.pixel_aspect != 1:
        return f'its pixels are not square ({index.pixel_aspect}), as decord takes them'
    return None
