"""Frames sampled from a video file, which is how recognizers see short videos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmvtg.datasets.encoding_spec import EncodingSpec
from mmvtg.datasets.transforms.frame_draws import DrawStoredFrames, DrawVideoFrames
from mmvtg.registry import TRANSFORMS, is_kind
from mmvtg.video.clips import ChosenClips, FrameSource, VideoItem
from mmvtg.video.decoding import Decode, DecodedVideo, chunk_length, decode_ahead

from .batching import Batcher
from .frames import FrameEncoder
from .streams import BuildTower, check_towers

#: Transforms that sample frames; the first one samples from a store.
SAMPLING_STEPS = (DrawStoredFrames, DrawVideoFrames)
_CHUNK, _CHUNKS = 32, 4  # frames per chunk if memory allows, chunks in memory


class VideoFrames:
    """Frames of one video for a transform that samples, decoded ahead in a thread.

    Args:
        path (str): Video file.
        source (FrameSource): One frame per clip.
        decode (callable): Decoder, see :class:`DecodedVideo`.

    Attributes:
        duration (float): Duration of the video, seconds.

    Raises:
        BadSampleError: If the video cannot be opened, or is shorter than a frame.
    """

    def __init__(
        self, path: str, source: FrameSource, decode: Decode = decode_ahead
    ) -> None:
        self.item, self.source, self.decode = VideoItem(None, path), source, decode
        with DecodedVideo(self.item, source, 0, decode) as video:
            self.duration, self._total = video.duration, len(video)

    def __len__(self) -> int:
        return self._total

    def take(self, clips: Sequence[int]) -> np.ndarray:
        """Decode frames by number, ascending, (n, 3, size, size) uint8.

        Raises:
            BadSampleError: If the video breaks off.
        """
        source = ChosenClips(self.source, tuple(map(int, clips)))
        length = chunk_length(self.source.clip_shape, _CHUNK, _CHUNKS)
        with DecodedVideo(self.item, source, length, self.decode) as video:
            return np.concatenate(list(video.chunks()))


class SampledFrames:
    """Samples of a video file, as a data set takes them from a store of frames.

    Frames that no sample needs are not decoded. Samples depend on the name of the
    video, as in a data set: the result for a file is always the same.

    Args:
        step (Mapping): Config of the transform that samples (``DrawStoredFrames`` for
            frames that a tower reads, ``DrawVideoFrames`` for a model that reads frames
            itself).
        spec (EncodingSpec): Names that tower, for the former.
        build_tower (callable): Builds it for inference.
        fps (float, optional): Frames per second of the store.
        decode (callable): Decoder, see :class:`DecodedVideo`.

    Raises:
        ValueError: If the tower is missing, couples frames with neighbors that may not
            be sampled, or there are several.
    """

    def __init__(
        self,
        step: Mapping[str, Any],
        spec: EncodingSpec | None,
        build_tower: BuildTower,
        fps: float | None = None,
        decode: Decode = decode_ahead,
    ) -> None:
        config = dict(step)
        self.decode = decode
        self.encoder: FrameEncoder | None = None
        self.source = FrameSource(config.get('size', 224), config.get('fps', 30.0))
        if is_kind(config, DrawStoredFrames, TRANSFORMS):
            assert spec is not None and fps is not None
            check_towers(spec, fps)
            if len(spec.streams) > 1:
                raise ValueError(
                    f'the model reads frames of one tower, and encoding.streams names '
                    f'{", ".join(spec.streams)}'
                )
            (stream,) = spec.streams.values()
            assert stream.tower is not None
            self.encoder = FrameEncoder(build_tower(stream.tower))
            self.source = stream.source(fps)
            config.update(
                type='DrawVideoFrames', fps=self.source.fps, size=stream.frame_size
            )
        if self.encoder is not None and self.encoder.couples_frames:
            raise ValueError(
                "the tower's hooks couple neighboring frames, and sampled frames have "
                'other neighbors than those of a whole video'
            )
        self.transform: DrawVideoFrames = TRANSFORMS.build(config)

    @property
    def towers(self) -> dict[str, nn.Module]:
        """The tower by the name ``video``; empty if the model reads frames itself."""
        return {} if self.encoder is None else {'video': self.encoder.tower}

    def check(self, path: str, segment: tuple[float, float] | None = None) -> None:
        """Open a video and decode no frame.

        Raises:
            BadSampleError: If it cannot be opened, or is shorter than a frame.
            ValueError: If the segment (seconds) lies behind its end.
        """
        duration = VideoFrames(path, self.source, self.decode).duration
        if segment is not None and segment[0] >= duration:
            raise ValueError(
                f'video {path} ends at {duration:g} s, before the segment '
                f'{list(segment)} begins'
            )

    def __call__(
        self, name: str, path: str, segment: tuple[float, float] | None = None
    ) -> dict[str, Any]:
        """Sample frames of a video, or of a segment of it.

        Args:
            name (str): Name of the video, on which samples depend.
            path (str): Video file.
            segment (tuple[float, float], optional): Start and end, seconds.

        Returns:
            dict: ``video`` (K, T, C), or frames (K, T, 3, H, W); ``frame_gap`` (K,).
        """
        if segment is not None:
            name = f'{name} {segment[0]:g}-{segment[1]:g}'
        results: dict[str, Any] = dict(video_id=name, video_path=path, window=segment)
        reader = VideoFrames(path, self.source, self.decode)
        images, place, gaps = self.transform.read(results, reader)
        rows = images if self.encoder is None else self._encode(images)
        results['video'] = rows[torch.from_numpy(place)]
        results['frame_gap'] = torch.from_numpy(gaps)
        return results

    def _encode(self, frames: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 -> features as a store holds them, (N, C) float32."""
        assert self.encoder is not None
        batcher = Batcher(self.encoder, self.encoder.unit, pad=False)
        parts = [one.rows for one in batcher.add(0, len(frames), frames)]
        rows = torch.cat(parts + [one.rows for one in batcher.finish()])
        if rows.dtype == torch.uint8:
            return rows  # a store of frames
        if rows.dim() != 2:
            raise ValueError(
                f'the tower gives {tuple(rows.shape[1:])} per frame; the model needs '
                'one vector: use a tower without LayerTap'
            )
        return rows.float()
