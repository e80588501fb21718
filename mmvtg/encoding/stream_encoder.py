"""One stream of features of a video, encoded chunk by chunk."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from mmvtg.datasets.encoding_spec import StreamSpec
from mmvtg.datasets.feature_store import MAX_LENGTH_GAP
from mmvtg.datasets.transforms.joining import resample_rows
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

#: Chunks of one video in memory: one is decoded, two wait, one is encoded.
_CHUNKS = 4


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
