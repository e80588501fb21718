"""Decoding of videos ahead of their consumer, in a thread.

A video that makes no progress fails after a deadline; other videos are not affected.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from queue import Empty, Full, Queue
from typing import NamedTuple, Protocol

import numpy as np

from .clips import VideoItem
from .errors import BadSampleError
from .reader import Progress, name_video, no_progress

#: Seconds without progress after which a video counts as stuck.
DEADLINE = 60.0
#: Decoded bytes that wait for their consumer, all videos together.
MAX_BYTES = 256 * 2**20
_POLL = 0.2  # seconds between looks at the clock
_AHEAD = 2  # chunks that wait for the consumer of one video


class Opened(NamedTuple):
    """A video that was opened.

    Args:
        item (VideoItem): The video.
        total (int): Number of clips.
        duration (float): Seconds.
    """

    item: VideoItem
    total: int
    duration: float


class Clips(NamedTuple):
    """Some clips of a video, in order.

    Args:
        item (VideoItem): The video.
        frames (ndarray): (n, ...) uint8.
        total (int): Number of clips of the whole video.
    """

    item: VideoItem
    frames: np.ndarray
    total: int


class Failed(NamedTuple):
    """A video that cannot be decoded, or not to its end.

    Args:
        item (VideoItem): The video.
        reason (str): Reason and remedy, for users.
    """

    item: VideoItem
    reason: str


Event = Opened | Clips | Failed


class Source(Protocol):
    """Recipe that turns videos into clips, such as :class:`FrameSource`."""

    def open(self, item: VideoItem, on_progress: Progress) -> 'Reader':
        """Open a video; raises BadSampleError."""


class Reader(Protocol):
    """Clips of an open video, such as :class:`ClipReader`."""

    duration: float

    def __len__(self) -> int:
        """Return the number of clips."""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return clips ``start`` to ``stop - 1``, (n, ...) uint8."""

    def __enter__(self) -> 'Reader':
        """Return the reader."""

    def __exit__(self, *error: object) -> None:
        """Close the file."""


#: (item, source, clips per chunk) -> events of one video.
Decode = Callable[[VideoItem, Source, int], Iterator[Event]]


def decode_here(
    item: VideoItem, source: Source, clips: int, on_progress: Progress = no_progress
) -> Iterator[Event]:
    """Decode one video in this thread.

    Args:
        item (VideoItem): The video.
        source (Source): How it becomes clips.
        clips (int): Clips per chunk; 0 only opens the video.
        on_progress (callable): Called whenever something was read or decoded.

    Yields:
        Event: ``Opened``, then ``Clips``; or ``Failed``, which is the last event.
    """
    try:
        with source.open(item, on_progress) as reader:
            total = len(reader)
            yield Opened(item, total, reader.duration)
            for start in range(0, total if clips else 0, clips or 1):
                frames = reader.read(start, min(start + clips, total))
                yield Clips(item, frames, total)
    except BadSampleError as error:
        yield Failed(item, str(error))


def decode_ahead(
    item: VideoItem, source: Source, clips: int, deadline: float = DEADLINE
) -> Iterator[Event]:
    """Decode one video in a thread, ahead of the consumer; see :func:`decode_here`.

    A video that makes no progress for ``deadline`` seconds fails. Its thread cannot be
    ended and is left behind; it ends with the process.
    """
    clock = _Clock()

    def work() -> Iterator[Event]:
        return decode_here(item, source, clips, clock.tick)

    for event in read_ahead(work, _AHEAD, clock, deadline):
        yield Failed(item, stuck(item, deadline)) if event is None else event


class _Clock:
    """Time of the last progress."""

    def __init__(self) -> None:
        self.tick()

    def tick(self) -> None:
        self.last = time.monotonic()

    def late(self, deadline: float) -> bool:
        return time.monotonic() - self.last > deadline


def read_ahead(
    work: Callable[[], Iterable[Event]], ahead: int, clock: _Clock, deadline: float
) -> Iterator[Event | None]:
    """Iterate in a thread; yields None and stops if the clock is late."""
    queue: Queue = Queue(ahead)
    stopped = threading.Event()

    def put(value: object) -> bool:
        while not stopped.is_set():
            clock.tick()  # waiting for the consumer is no fault of the video
            try:
                queue.put(value, timeout=_POLL)
                return True
            except Full:
                continue
        return False

    def run() -> None:
        try:
            with closing(iter(work())) as events:  # type: ignore[type-var]
                for event in events:
                    if not put(event):
                        return
            put(None)
        except BaseException as error:  # for the consumer to raise
            put(error)

    threading.Thread(target=run, name='mmvtg-decode', daemon=True).start()
    try:
        while True:
            try:
                event = queue.get(timeout=_POLL)
            except Empty:
                if clock.late(deadline):
                    yield None
                    return
                continue
            if event is None:
                return
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        stopped.set()


class DecodedVideo:
    """One video as chunks of clips; use it as a context.

    Args:
        item (VideoItem): The video.
        source (Source): How it becomes clips.
        clips (int): Clips per chunk; 0 only opens the video.
        decode (callable): :func:`decode_ahead`, :func:`decode_here`, or
            :meth:`DecodingProcess.decode`.

    Attributes:
        duration (float): Seconds.

    Raises:
        BadSampleError: If the video is missing, damaged, shorter than a clip, or stuck.
    """

    def __init__(
        self,
        item: VideoItem,
        source: Source,
        clips: int,
        decode: Decode = decode_ahead,
    ) -> None:
        self._events = decode(item, source, clips)
        opened = next(self._events)
        if isinstance(opened, Failed):
            self.close()
            raise BadSampleError(opened.reason)
        assert isinstance(opened, Opened)
        self.duration, self._total = opened.duration, opened.total
        if not clips:
            for _ in self._events:  # or closing them would end a decoding process
                pass

    def __len__(self) -> int:
        return self._total

    def __enter__(self) -> 'DecodedVideo':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop decoding."""
        self._events.close()  # type: ignore[attr-defined]

    def chunks(self) -> Iterator[np.ndarray]:
        """Yield (n, ...) uint8 frames of all clips in order; can be read once.

        Raises:
            BadSampleError: If the video breaks off or gets stuck.
        """
        for event in self._events:
            if isinstance(event, Failed):
                self.close()
                raise BadSampleError(event.reason)
            assert isinstance(event, Clips)
            yield event.frames


def chunk_length(clip_shape: tuple[int, ...], wanted: int, chunks: int) -> int:
    """Return how many clips a chunk may have so that all chunks fit ``MAX_BYTES``.

    Args:
        clip_shape (tuple[int]): Shape of one clip, uint8.
        wanted (int): Clips per chunk if memory allows.
        chunks (int): Number of chunks in memory at once.
    """
    fitting = MAX_BYTES // (max(math.prod(clip_shape), 1) * max(chunks, 1))
    return max(min(wanted, fitting), 1)


def stuck(item: VideoItem, deadline: float) -> str:
    """Return the reason of a video that makes no progress."""
    name = name_video(item.path, item.video_id)
    return (
        f'{name} makes no progress: nothing could be read or decoded for '
        f'{deadline:g} s; re-encode it with ffmpeg, or leave it out'
    )


def check_video(item: VideoItem, source: Source) -> float:
    """Open a video, decode nothing, and return its duration in seconds.

    Raises:
        BadSampleError: If it cannot be opened, or is shorter than a clip.
    """
    with DecodedVideo(item, source, 0) as video:
        return video.duration
