"""Index of a video file: which frames it shows, when, and where decoding can start.

The index is made of the packets alone, without decoding.
"""

import os
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from .containers import DECODER_ERRORS, open_container, video_stream
from .errors import BadSampleError
from .grids import MAX_DURATION
from .reader import Progress
from .timing import FrameTimes, frame_times

#: Streams that are searched by guesses: seeks land late, or shift time stamps.
_UNSEEKABLE = ('mpeg', 'mpegts')
#: A decoding time that falls back this far starts a new timeline (joined files), s.
_RESET = 1.0
#: Part of the announced duration that may be missing before a file counts as cut off.
_MISSING, _MISSING_SECONDS = 0.05, 1.0

_indexes: 'OrderedDict[tuple, FrameIndex]' = OrderedDict()
_changing = threading.Lock()
_KEPT = 64  # indexes of files that were read last


@dataclass(frozen=True)
class FrameIndex:
    """The frames that a video file shows.

    Args:
        times (FrameTimes): When each frame is shown.
        pts (ndarray | None): (N,) int64 presentation time stamps as decoded frames
            carry them, ascending. None if the file has none that can be relied on;
            frames are then counted from the start.
        keys (ndarray): (K,) int64 time stamps of the packets at which decoding can
            start, ascending; empty without ``pts``.
        seekable (bool): Whether the container finds its keyframes.
        has_leading (bool): Whether some frames are shown before the keyframe that they
            follow in the file (open groups of pictures).
        pixel_aspect (Fraction): Width / height of a pixel.
    """

    times: FrameTimes
    pts: np.ndarray | None
    keys: np.ndarray
    seekable: bool = True
    has_leading: bool = False
    pixel_aspect: Fraction = Fraction(1)

    def number_of(self, pts: int) -> int:
        """Return the number of the frame with a time stamp, or of the nearest frame."""
        assert self.pts is not None
        right = int(np.searchsorted(self.pts, pts))
        if right == 0 or (right < len(self.pts) and self.pts[right] == pts):
            return right
        if right == len(self.pts) or pts - self.pts[right - 1] < self.pts[right] - pts:
            return right - 1
        return right

    def key_before(self, number: int) -> int | None:
        """Return the time stamp of the last keyframe up to a frame, if there is one."""
        if self.pts is None:
            return None
        place = int(np.searchsorted(self.keys, self.pts[number], 'right')) - 1
        return int(self.keys[place]) if place >= 0 else None


def index_of(path: str, name: str, on_progress: Progress) -> FrameIndex:
    """Return the index of a file; those of the last files are kept.

    Raises:
        BadSampleError: If it is no video file, is cut off, or shows no frames.
    """
    status = os.stat(path)
    key = (path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    index = _indexes.get(key)
    if index is None:
        with open_container(path, name) as container:
            index = _build(path, container, name, on_progress)
            _check_duration(index, name)
            _check_whole(path, container, index, name, on_progress)
        with _changing:
            _indexes[key] = index
            while len(_indexes) > _KEPT:
                _indexes.popitem(last=False)
    return index


def _build(
    path: str,
    container: av.container.InputContainer,
    name: str,
    on_progress: Progress,
) -> FrameIndex:
    stream = video_stream(container, name)
    rows: list[Any] = []
    try:
        for packet in container.demux(stream):
            on_progress()
            if packet.size:
                stamps = (packet.pts, packet.dts, packet.duration or 0)
                rows.append((*stamps, packet.is_keyframe, packet.is_discard))
    except DECODER_ERRORS:
        pass  # what follows cannot be read; _check_whole notices
    shown = [row for row in rows if not row[4]]
    if not shown:
        raise BadSampleError(f'{name} holds no frames: download it again')
    base = stream.time_base or Fraction(1, 1000)
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    form = container.format.name
    pixel_aspect = Fraction(stream.sample_aspect_ratio or 1)
    # AVI stores one time stamp per packet, in decoding order
    stamped = form != 'avi' and all(row[0] is not None for row in shown)
    if not stamped or (form in _UNSEEKABLE and _restarts(shown, base)):
        times = _counted(shown, base, stream, container)
        timing = frame_times(times, None, rates, float(base))
        return FrameIndex(
            timing, None, np.empty(0, np.int64), False, pixel_aspect=pixel_aspect
        )
    keys = [row[0] for row in rows if row[3] and row[0] is not None]
    # a recording may start within a group of pictures, which then misses references
    first_pts = keys[0] if keys and rows[0][3] else _first_decoded(path, name)
    decodable = [row for row in shown if first_pts is None or row[0] >= first_pts]
    decodable = decodable or shown
    pts, first = np.unique([row[0] for row in decodable], return_index=True)
    last = float(decodable[first[-1]][2] * base)
    timing = frame_times(_seconds(pts, base, container), last, rates, float(base))
    return FrameIndex(
        timing,
        pts,
        np.unique(keys).astype(np.int64),
        form not in _UNSEEKABLE,
        _has_leading(rows),
        pixel_aspect,
    )


def _first_decoded(path: str, name: str) -> int | None:
    """Return the time stamp of the first frame that comes out of the decoder."""
    with open_container(path, name) as container:
        stream = video_stream(container, name)
        try:
            for packet in container.demux(stream):
                with suppress(*DECODER_ERRORS):
                    for frame in stream.codec_context.decode(packet):
                        return frame.pts
        except DECODER_ERRORS:
            pass
    return None


def _restarts(shown: list[tuple], base: Fraction) -> bool:
    """Return True if the clock starts again, as where two files were joined."""
    decode = [row[1] for row in shown if row[1] is not None]
    return bool(len(decode) > 1 and (np.diff(decode) < -_RESET / float(base)).any())


def _has_leading(rows: list[tuple]) -> bool:
    """Return True if frames are shown before the keyframe that they follow."""
    key = None
    for pts, _, _, is_key, is_hidden in rows:
        if is_key:
            key = pts
        elif key is not None and not is_hidden and pts < key:
            return True
    return False


def _counted(
    shown: list[tuple],
    base: Fraction,
    stream: av.video.stream.VideoStream,
    container: av.container.InputContainer,
) -> np.ndarray:
    """Return the times of frames that are counted, from decoding times or a rate."""
    decode = [row[1] for row in shown]
    if any(value is None for value in decode):
        rate = stream.guessed_rate or stream.average_rate or 25
        return np.arange(len(shown)) / float(rate)
    stamps = np.asarray(decode, np.int64)
    step = max(int(np.median(np.abs(np.diff(stamps)))) if len(stamps) > 1 else 1, 1)
    for place in np.flatnonzero(np.diff(stamps) < -_RESET / float(base)) + 1:
        stamps[place:] += stamps[place - 1] + step - stamps[place]
    return _seconds(np.sort(stamps), base, container)


def _seconds(
    stamps: np.ndarray, base: Fraction, container: av.container.InputContainer
) -> np.ndarray:
    """Return time stamps as seconds from the player's zero."""
    zero = _zero(container)
    seconds = stamps * base.numerator / base.denominator
    if zero is None or zero > seconds[0]:
        return seconds - seconds[0]
    return seconds - zero


def _zero(container: Any) -> float | None:
    """Return the start of the earliest stream, in seconds of the container's clock."""
    if container.start_time is None:
        return None
    rounded = container.start_time / av.time_base
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in container.streams
        if stream.start_time is not None and stream.time_base
    ]
    # the container's own number is in whole microseconds
    return min(
        [start for start in starts if abs(start - rounded) < 2e-6] or [rounded],
        key=lambda start: abs(start - rounded),
    )


def _check_duration(index: FrameIndex, name: str) -> None:
    """Refuse time stamps that only damage explains.

    Raises:
        BadSampleError: If the video lasts longer than a week.
    """
    if index.times.end > MAX_DURATION:
        raise BadSampleError(
            f'{name} lasts {index.times.end / 86400:.0f} days by its time stamps, more '
            'than a week; they are damaged: download it again, or re-encode it with '
            'ffmpeg'
        )


def _check_whole(
    path: str,
    container: av.container.InputContainer,
    index: FrameIndex,
    name: str,
    on_progress: Progress,
) -> None:
    """Refuse a file that ends long before its header says.

    Raises:
        BadSampleError: If it is cut off.
    """
    if container.duration is None:
        return
    announced = container.duration / av.time_base
    missing = max(_MISSING * announced, _MISSING_SECONDS)
    # Matroska announces the end on its clock, others the length
    zero = _zero(container) or 0.0
    end = index.times.end + max(zero, 0.0)
    if end + missing >= announced:
        return
    # the sound may be longer than the picture
    with open_container(path, name) as again:
        try:
            for packet in again.demux():
                on_progress()
                if packet.pts is not None and packet.size:
                    stop = packet.pts + (packet.duration or 0)
                    end = max(end, float(stop * packet.time_base) - min(zero, 0.0))
        except DECODER_ERRORS:
            pass
    if end + missing < announced:
        raise BadSampleError(
            f'{name} breaks off: its header announces {announced:.1f} s, the data ends '
            f'at {end:.1f} s; it is truncated: download it again, or re-encode it with '
            'ffmpeg'
        )
