"""Reader of video files on PyAV (FFmpeg), the default backend."""

from collections.abc import Iterator
from functools import cached_property

import av
import numpy as np

from .containers import (
    DECODER_ERRORS,
    codec_of,
    first_line,
    open_container,
    video_stream,
)
from .errors import BadSampleError
from .frame_index import index_of
from .pixels import shown_size, to_rgb
from .reader import Progress, Size, VideoReader, no_progress

#: A frame that cannot be decoded is replaced by a neighbor up to this far away, s.
_MAX_HOLE = 1.0
#: Larger frames are not decoded, pixels (16K has 133 million).
_MAX_DECODED = 2**27
#: Frames up to which packets are skipped one by one; beyond, the reader seeks.
_MAX_SKIP = 1000
_PREDICTED = (av.video.frame.PictureType.P, av.video.frame.PictureType.B)


class PyAVReader(VideoReader):
    """Frames of a video file, found by their presentation time.

    Reading on skips the packets that are not needed, from keyframe to keyframe. Reading
    back or far ahead seeks, and checks that decoding starts at the right keyframe. One
    decoded frame is held at a time, besides those that the decoder needs itself.

    Args:
        path (str): Video file.
        name (str): Name of the video in messages.
        num_threads (int): Decoder threads; 0 lets the decoder choose.
        on_progress (callable): Called while the file is indexed and decoded.

    Raises:
        BadSampleError: If the file is damaged or has no video, or if its decoder is
            missing.
    """

    def __init__(
        self,
        path: str,
        name: str,
        num_threads: int = 1,
        on_progress: Progress = no_progress,
    ) -> None:
        super().__init__(path, name)
        self._index = index_of(path, name, on_progress)
        self.times = self._index.times
        self._num_threads, self._on_progress = num_threads, on_progress
        self._trusts_keys, self._trusts_seeks = True, self._index.seekable
        self._container: av.container.InputContainer | None = None
        self._held: tuple[int, av.VideoFrame] | None = None
        self._position: int | None = None  # time stamp of the last keyframe passed
        self._target: int | None = None  # time stamp of the keyframe to go on from
        self._decoded: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._rewind()

    @cached_property
    def size(self) -> Size:
        """Height and width of the first frame as shown, pixels."""
        return Size(*shown_size(self._frame(0), self._index.pixel_aspect))

    @cached_property
    def rotation(self) -> int:  # type: ignore[override]
        """Counterclockwise rotation that is applied, degrees."""
        return self._frame(0).rotation % 360

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _read(self, number: int, size: tuple[int, int] | None) -> np.ndarray:
        frame = self._frame(number)
        try:
            return to_rgb(frame, self._index.pixel_aspect, size)
        except DECODER_ERRORS as error:
            raise self._broken(number, first_line(error)) from error

    def _frame(self, number: int) -> av.VideoFrame:
        """Return one decoded frame."""
        if self._held is not None and self._held[0] == number:
            return self._held[1]
        while True:
            try:
                self._aim(number)
                return self._search(number)
            except _WrongKeyError:  # each time less is trusted
                self._rewind()

    def _search(self, number: int) -> av.VideoFrame:
        """Decode up to a frame; a neighbor stands for one that cannot be decoded."""
        before = self._held
        for place, frame in self._decoded:
            self._held = place, frame
            if place >= number:
                break
            before = place, frame
        times = self.timestamps
        near = [
            (abs(times[one[0]] - times[number]), index, one[1])
            for index, one in enumerate((before, self._held))
            if one is not None
        ]
        if not near and number == 0:
            raise BadSampleError(
                f'{self.name}: no frame of its {codec_of(self._stream)} video can be '
                'decoded; re-encode it, for example with `ffmpeg -i FILE -c:v libx264 '
                'OUT.mp4`, or download it again'
            )
        if not near or min(near)[0] > _MAX_HOLE:
            raise self._broken(number, 'no frame can be decoded there')
        return min(near)[2]

    def _broken(self, number: int, reason: str) -> BadSampleError:
        return BadSampleError(
            f'{self.name} breaks off at {self.timestamps[number]:.2f} s of '
            f'{self.duration:.2f} s ({reason}); it is truncated or corrupt: download '
            'it again, or re-encode it with ffmpeg'
        )

    def _rewind(self) -> None:
        """Open the file again, at its start."""
        self.close()
        self._container = open_container(self.path, self.name)
        self._stream = video_stream(self._container, self.name)
        self._codec = self._stream.codec_context
        self._codec.options = {'max_pixels': str(_MAX_DECODED)}
        self._codec.thread_count = self._num_threads
        if self._num_threads != 1:
            self._codec.thread_type = 'AUTO'
        self._start_decoding(None)

    def _start_decoding(self, target: int | None) -> None:
        """Decode from where the container is, or from the keyframe ``target``."""
        self._held = self._position = None
        self._target = target
        self._decoded = self._decode()

    def _aim(self, number: int) -> None:
        """Go to the last keyframe before a frame, unless reading on leads there."""
        key = self._index.key_before(number) if self._trusts_keys else None
        start = self._held[0] if self._held is not None else 0
        if number >= start:
            if key is None or (self._position is not None and key <= self._position):
                return
            if number - start <= _MAX_SKIP or not self._trusts_seeks:
                self._target = key
                return
        if key is None or not self._trusts_seeks:
            self._rewind()
            self._target = key
            return
        assert self._container is not None
        try:
            self._container.seek(key, stream=self._stream, backward=True)
        except DECODER_ERRORS as error:
            self._trusts_seeks = False
            raise _WrongKeyError from error
        self._start_decoding(key)

    def _decode(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield frames with their numbers, in the order in which they are shown.

        Raises:
            _WrongKeyError: If decoding cannot go on from the keyframe ``_target``.
        """
        count = 0
        key: int | None = None
        for packet in self._packets():
            self._on_progress()
            if packet is None:
                self._pass_key(None)
            elif packet.is_keyframe and packet.pts is not None:
                key = self._pass_key(packet.pts) or key
            if self._target is not None:
                continue
            try:
                frames = self._codec.decode(packet)
            except DECODER_ERRORS:
                continue  # a damaged packet; the frames around it may be whole
            for frame in frames:
                if self._index.pts is None:
                    yield count, frame
                    count += 1
                elif frame.pts is not None:
                    if key is not None and frame.pts >= key:
                        self._check_key(key, frame)
                        key = None
                    yield self._index.number_of(frame.pts), frame
        if key is not None and self._index.pts is not None:
            self._trusts_keys = False  # nothing came out after it
            raise _WrongKeyError

    def _check_key(self, key: int, frame: av.VideoFrame) -> None:
        """Refuse points from which pictures only become right by and by.

        Raises:
            _WrongKeyError: If decoding does not start with a picture of its own.
        """
        hidden = self._index.pts is not None and key not in self._index.pts
        late = frame.pts != key and not hidden
        if late or (frame.pts == key and frame.pict_type in _PREDICTED):
            self._trusts_keys = False
            raise _WrongKeyError

    def _pass_key(self, pts: int | None) -> int | None:
        """Note that a keyframe, or the end (None), was reached.

        Returns:
            int | None: Its time stamp if decoding goes on from there.
        """
        if self._target is None:
            self._position = pts
            return None
        if pts is None or pts > self._target:  # it was not found
            if not self._trusts_seeks:
                self._trusts_keys = False
            self._trusts_seeks = False
            raise _WrongKeyError
        if pts < self._target:
            return None
        self._codec.flush_buffers()
        self._position, self._target = pts, None
        return pts

    def _packets(self) -> Iterator[av.Packet | None]:
        """Yield the packets of the video, and None at its end."""
        assert self._container is not None
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:
                    yield packet
        except DECODER_ERRORS:
            pass  # the file ends here
        yield None


class _WrongKeyError(Exception):
    """Decoding does not start at the keyframe that the index names."""
