"""Video files -> windows of the features that a model reads."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mmvtg.datasets.encoding_spec import EncodingSpec, StreamSpec
from mmvtg.datasets.feature_store import MAX_LENGTH_GAP
from mmvtg.datasets.transforms.joining import resample_rows
from mmvtg.structures import num_clips
from mmvtg.video.clips import VideoItem
from mmvtg.video.decoding import (
    Decode,
    DecodedVideo,
    chunk_length,
    decode_ahead,
)
from mmvtg.video.errors import BadSampleError
from mmvtg.video.reader import name_video

from .batching import Batcher
from .cache import FeatureCache, fingerprint
from .frames import FrameEncoder
from .windows import Window, plan_windows, sliding_windows

#: Seconds of a window that no video fills: all of it is seen at once.
WHOLE = 1e9
#: Chunks of one video in memory: one is decoded, two wait, one is encoded.
_CHUNKS = 4
BuildTower = Callable[[Mapping[str, Any]], nn.Module]


class VideoPart(NamedTuple):
    """Features of one window of a video.

    Args:
        window (Window): First clip, and last clip + 1.
        arrays (dict[str, ndarray]): Stream -> (T, ...), as loaded from a store.
        duration (float): Duration of the whole video, seconds.
        num_clips (int): Clips of the whole video.
    """

    window: Window
    arrays: dict[str, np.ndarray]
    duration: float
    num_clips: int


class EncodedStream:
    """Features of one stream of one video, chunk by chunk.

    Args:
        duration (float): Duration of the video, seconds.
        total (int): Number of clips.
        chunks (Iterator[Tensor]): (n, ...) each, all clips in order.
    """

    def __init__(self, duration: float, total: int, chunks: Iterator[Tensor]) -> None:
        self.duration, self.total, self.chunks = duration, total, chunks

    def whole(self) -> np.ndarray:
        """Return all rows, (total, ...)."""
        return torch.cat(list(self.chunks)).numpy()

    def close(self) -> None:
        """Stop decoding."""
        close = getattr(self.chunks, 'close', None)
        if close is not None:
            close()


class StreamEncoder:
    """Tower of one stream: decodes and encodes videos chunk by chunk.

    Frames are held for a few chunks, features until they are consumed, however long a
    video is. Features of a video that fit the cache are kept there.

    Args:
        spec (StreamSpec): The stream.
        tower (VisionTower): Its tower, in ``eval``.
        fps (float): Clips per second of the model.
        cache (FeatureCache): Cache; streams may share it.
        decode (callable): Decoder of videos, see :class:`DecodedVideo`.
    """

    def __init__(
        self,
        spec: StreamSpec,
        tower: nn.Module,
        fps: float,
        cache: FeatureCache,
        decode: Decode = decode_ahead,
    ) -> None:
        self.spec, self.cache, self.decode = spec, cache, decode
        self.source = spec.source(fps)
        self.encoder = FrameEncoder(tower, self.source.frames_per_clip)
        self._chunk = chunk_length(self.source.clip_shape, self.encoder.unit, _CHUNKS)

    def check(self, path: str) -> tuple[float, int]:
        """Open a video, decode nothing; return its duration (seconds) and clips.

        Raises:
            BadSampleError: If it cannot be opened, or is shorter than a clip.
        """
        item = VideoItem(None, path)
        with DecodedVideo(item, self.source, 0, self.decode) as video:
            return video.duration, len(video)

    def open(
        self, path: str, motion: Callable[[int], Tensor] | None = None
    ) -> EncodedStream:
        """Begin to encode a video.

        Args:
            path (str): Video file.
            motion (callable, optional): Number of clips -> (T, V), which the tower's
                hooks read.

        Raises:
            BadSampleError: If the video is missing, damaged, or shorter than a clip.
        """
        key = (*fingerprint(path), self.source, self.spec.name)
        kept = self.cache.get(key)
        if kept is not None:
            duration, chunks = kept
            return EncodedStream(duration, sum(map(len, chunks)), iter(chunks))
        item = VideoItem(None, path)
        video = DecodedVideo(item, self.source, self._chunk, self.decode)
        aux = motion and motion(len(video))
        chunks = self._encode(video, key, aux)
        return EncodedStream(video.duration, len(video), chunks)

    def _encode(
        self, video: DecodedVideo, key: tuple, motion: Tensor | None
    ) -> Iterator[Tensor]:
        """Encode chunk by chunk, and keep the whole if it fits the cache."""
        kept: list[Tensor] = []
        total, seen, nbytes, fits = len(video), 0, 0, True
        with video:
            for rows in self._rows(video, total, motion):
                rows = self._sliced(rows)
                if not seen:
                    nbytes = rows.nbytes // len(rows) * total
                    fits = self.cache.make_room(nbytes)
                seen += len(rows)
                if fits:
                    kept.append(rows)
                if fits and seen == total:
                    self.cache.put(key, (video.duration, kept), nbytes)
                yield rows

    def _rows(
        self, video: DecodedVideo, total: int, motion: Tensor | None
    ) -> Iterator[Tensor]:
        aux = None if motion is None else (lambda name, count: motion)
        batcher = Batcher(self.encoder, self.encoder.unit, aux, pad=False)
        for chunk in video.chunks():
            frames = torch.from_numpy(chunk)
            yield from (one.rows for one in batcher.add(0, total, frames))
        yield from (one.rows for one in batcher.finish())

    def _sliced(self, rows: Tensor) -> Tensor:
        """Keep only the layers and tokens that are loaded: (n, N, P, C)."""
        if rows.dim() > 2 and self.spec.num_layers is not None:
            rows = rows[:, -self.spec.num_layers :]
        if rows.dim() == 4 and self.spec.class_token:
            rows = rows[:, :, :1]
        return rows.contiguous()


class VideoStreams:
    """All streams of a model: windows of features of a video file.

    The features of a window equal those that a data set loads from stores of the same
    towers. Streams are cut to the shortest; those with a rate of their own are made of
    the whole video, and stretched.

    Args:
        spec (EncodingSpec): Streams and window.
        build_tower (callable): Builds a tower for inference from its config.
        fps (float): Clips per second.
        cache (FeatureCache): Where features are kept.
        window (float): Longest part that the model sees at once, seconds.
        overlap (float): Seconds that neighboring windows share.
        decode (callable): Decoder of videos, see :class:`DecodedVideo`.

    Raises:
        ValueError: If a stream has no tower, a rate of its own without ``resample``, or
            the window is shorter than a clip or overlaps by more than half.
    """

    def __init__(
        self,
        spec: EncodingSpec,
        build_tower: BuildTower,
        fps: float,
        cache: FeatureCache,
        window: float = WHOLE,
        overlap: float = 0.0,
        decode: Decode = decode_ahead,
    ) -> None:
        self.spec, self.fps = spec, fps
        check_towers(spec, fps)
        self.encoders = {
            name: StreamEncoder(stream, build_tower(stream.tower), fps, cache, decode)
            for name, stream in spec.streams.items()
            if stream.tower is not None
        }
        # half of an odd number of clips is rounded down
        self.size, self.overlap = round(window * fps), int(overlap * fps + 1e-6)
        if self.size < 1 or not 0 <= self.overlap <= self.size / 2:
            raise ValueError(
                f'window = {window:g} s and overlap = {overlap:g} s at {fps:g} clips '
                'per second: a window needs at least one clip, and an overlap of at '
                'most half a window'
            )

    @property
    def towers(self) -> dict[str, nn.Module]:
        """Stream -> its tower."""
        return {name: one.encoder.tower for name, one in self.encoders.items()}

    def check(self, path: str) -> float:
        """Open a video, decode nothing; return its duration in seconds.

        Raises:
            BadSampleError: If it cannot be opened, or is shorter than a clip.
        """
        return [encoder.check(path)[0] for encoder in self.encoders.values()][0]

    def __call__(self, path: str) -> Iterator[VideoPart]:
        """Yield the windows of one video, by ascending start.

        Raises:
            BadSampleError: If the file is missing, damaged, or shorter than a clip.
        """
        opened: dict[str, EncodedStream] = {}
        try:
            for name in self._in_order():
                opened[name] = self._open(name, path, opened)
            yield from self._windows(path, opened)
        finally:
            for stream in opened.values():
                stream.close()

    def _in_order(self) -> list[str]:
        """Return the streams, those that towers of others read first."""
        read = {one.motion for one in self.spec.streams.values()} - {None}
        return sorted(self.spec.streams, key=lambda name: name not in read)

    def _open(
        self, name: str, path: str, opened: dict[str, EncodedStream]
    ) -> EncodedStream:
        stream = self.spec.streams[name]
        if stream.motion is None:
            return self.encoders[name].open(path)
        resample = self.spec.streams[stream.motion].resample
        motion = opened[stream.motion]
        rows = motion.whole()
        motion.chunks = iter([torch.from_numpy(rows)])

        def read(total: int) -> Tensor:
            return torch.from_numpy(fit_motion(rows, total, path, resample))

        return self.encoders[name].open(path, read)

    def _windows(
        self, path: str, opened: dict[str, EncodedStream]
    ) -> Iterator[VideoPart]:
        duration = next(iter(opened.values())).duration
        own = [s.total for n, s in opened.items() if not self.spec.streams[n].resample]
        total = min([*own, max(num_clips(duration, self.fps), 1)])
        windows = plan_windows(total, self.size, self.overlap)
        parts = {
            name: sliding_windows(self._chunks(name, stream, total), windows)
            for name, stream in opened.items()
            if not self.spec.streams[name].auxiliary
        }
        parts = {name: parts[name] for name in self.spec.loaded}
        for window in windows:
            arrays = {name: next(part)[1].numpy() for name, part in parts.items()}
            yield VideoPart(window, arrays, duration, total)

    def _chunks(self, name: str, stream: EncodedStream, total: int) -> Iterator[Tensor]:
        if not self.spec.streams[name].resample:
            return stream.chunks
        return iter([torch.from_numpy(resample_rows(stream.whole(), total))])


def fit_motion(
    rows: np.ndarray, total: int, path: str, resample: bool = False
) -> np.ndarray:
    """Return motion features as one row per clip, (total, V) float32.

    Args:
        rows (ndarray): (T, V).
        total (int): Number of clips.
        path (str): Video file, for messages.
        resample (bool): Whether the features have a rate of their own.

    Raises:
        BadSampleError: If the lengths differ by more than a few clips, without
            ``resample``.
    """
    if abs(len(rows) - total) > MAX_LENGTH_GAP and not resample:
        raise BadSampleError(
            f'{name_video(path)}: {len(rows)} clips of motion, but {total} of frames'
        )
    rows = np.asarray(rows, np.float32)
    return rows if len(rows) == total else resample_rows(rows, total)


def check_towers(spec: EncodingSpec, fps: float | None = None) -> None:
    """Refuse a block that does not say how a raw video is encoded.

    Raises:
        ValueError: If a stream has no tower, or a rate of its own without ``resample``.
    """
    if not spec.streams:
        raise ValueError(
            'the config has no block `encoding`, so it does not say which towers make '
            'its features; see configs/_base_/features'
        )
    for name, stream in spec.streams.items():
        if stream.tower is None:
            why = stream.why_no_tower or 'add its tower to the block'
            raise ValueError(
                f'the model reads {name} features, and the config does not say which '
                f'tower makes them (encoding.streams.{name}.tower): {why}'
            )
        rates = {stream.fps, fps} - {None}
        if len(rates) > 1 and not stream.resample:
            raise ValueError(
                f'encoding.streams.{name} has {stream.fps:g} clips per second, and the '
                f'model reads {fps:g}: make them equal, or set resample=True'
            )
