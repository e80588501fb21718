"""Video files -> windows of the features that a model reads."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mmvtg.datasets.encoding_spec import EncodingSpec
from mmvtg.datasets.transforms.joining import resample_rows
from mmvtg.structures import num_clips
from mmvtg.video.decoding import (
    Decode,
    decode_ahead,
)

from .cache import FeatureCache
from .stream_encoder import EncodedStream, StreamEncoder, fit_motion
from .windows import Window, plan_windows, sliding_windows

#: Seconds of a window that no video fills: all of it is seen at once.
WHOLE = 1e9
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
