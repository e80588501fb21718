"""Samples of the frames of short videos, stored or decoded from the video."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.feature_store import load_array
from mmvtg.datasets.frame_draws import draw_frames, draw_generator, middle_frames
from mmvtg.registry import TRANSFORMS
from mmvtg.structures import seconds_to_clips
from mmvtg.video.clips import ClipReader, FrameSource, VideoItem

_AXES = {2: '(T, C)', 4: '(T, 3, H, W)'}


class FrameReader(Protocol):
    """Frames of a video by number, such as :class:`ClipReader`."""

    duration: float

    def __len__(self) -> int:
        """Return the number of frames."""

    def take(self, clips: Sequence[int]) -> np.ndarray | Tensor:
        """Return frames, in ascending order, (n, 3, size, size) uint8 RGB."""


class _FrameDraws(BaseTransform):
    """Base: the choice of frames.

    Args:
        num_frames (int): T, number of frames per sample.
        gaps (Sequence[int]): Gaps to choose from, in frames; a gap listed more often
            is chosen more often. Empty: the middles of T equal parts, without chance.
        num_draws (int): K, samples per video; test results are the mean over them.
        seed (int): Seed of the samples.
    """

    def __init__(
        self,
        num_frames: int = 16,
        gaps: Sequence[int] = (1, 2, 3, 4, 5, 6, 10, 15),
        num_draws: int = 1,
        seed: int = 0,
    ) -> None:
        if num_frames < 1 or num_draws < 1 or any(gap < 1 for gap in gaps):
            raise ValueError(
                f'num_frames={num_frames}, num_draws={num_draws}, gaps={gaps}: all '
                'must be 1 or more'
            )
        self.num_frames = num_frames
        self.gaps = tuple(gaps)
        self.num_draws = num_draws
        self.seed = seed

    def draw(self, results: dict, total: int) -> tuple[np.ndarray, np.ndarray]:
        """Sample frames (K, T) and gaps (K,) int64 from ``total`` frames."""
        if not self.gaps:
            frames = middle_frames(total, self.num_frames)
            gap = max(total // self.num_frames, 1)
            return frames[None], np.array([gap])
        rng = draw_generator(self.seed, results['video_id'], results.get('draw', 0))
        drawn = [
            draw_frames(rng, total, self.num_frames, self.gaps)
            for _ in range(self.num_draws)
        ]
        return np.stack([frames for frames, _ in drawn]), np.array(
            [gap for _, gap in drawn]
        )

    def stretch(self, results: dict, fps: float | None, total: int) -> range:
        """Return the frames that lie in the window of the sample.

        Raises:
            BadSampleError: If there is none, or if the window needs an unknown frame
                rate.
        """
        window = results.get('window')
        if window is None:
            return range(total)
        if fps is None:
            raise BadSampleError(
                f'video {results["video_id"]} has a window and the data set does not '
                'say how many frames a second are stored: set its fps'
            )
        # 1e-6 of a frame, as 0.3 s * 10 / s is a little more than 3
        ends = seconds_to_clips(np.asarray(window), fps)
        first, last = np.ceil(ends - 1e-6).astype(int).tolist()
        frames = range(first, min(last, total))
        if not frames:
            raise BadSampleError(
                f'video {results["video_id"]}: no frame lies in its window, of {total} '
                f'at {fps:g} frames a second; does the list belong to these files?'
            )
        return frames


@TRANSFORMS.register_module()
class DrawStoredFrames(_FrameDraws):
    """Sample stored frame features.

    Required keys: ``feature_path`` of (N, C), one row per frame, or of the frames
    themselves (N, 3, H, W); ``video_id``; optionally ``window`` (start, end) s,
    ``fps``, ``draw``.

    Added keys: ``video`` (K, T, C) float32 or (K, T, 3, H, W) uint8 Tensor,
    ``frame_gap`` (K,) int64 Tensor.
    """

    def transform(self, results: dict) -> dict:
        """Load and sample.

        Raises:
            BadSampleError: If the file is missing or damaged, or has a different shape.
        """
        name = f'video {results["video_id"]}'
        features = load_array(results['feature_path'], name, _AXES)
        frames = self.stretch(results, results.get('fps'), len(features))
        drawn, gaps = self.draw(results, len(frames))
        video = torch.from_numpy(features[frames.start + drawn])
        results['video'] = video if video.dtype == torch.uint8 else video.float()
        results['frame_gap'] = torch.from_numpy(gaps)
        return results


@TRANSFORMS.register_module()
class DrawVideoFrames(_FrameDraws):
    """Sample frames of a video; only the sampled frames are decoded.

    Required keys: ``video_path``, ``video_id``; optionally ``window``, ``draw``.

    Added keys: ``video`` (K, T, 3, size, size) uint8 RGB Tensor, ``frame_gap`` (K,).

    Args:
        fps (float): Frames per second that gaps count.
        size (int): Height and width of frames, pixels.
        backend (str): ``'auto'`` (PyAV), ``'pyav'``, or ``'decord'``, which reads
            videos of a constant frame rate only; see :func:`mmvtg.video.open_video`.
        **kwargs: See the base class.
    """

    def __init__(
        self, fps: float = 30.0, size: int = 224, backend: str = 'auto', **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.fps = fps
        self.size = size
        self.backend = backend

    def transform(self, results: dict) -> dict:
        """Sample and decode.

        Raises:
            BadSampleError: If the file is missing, damaged, or shorter than a frame.
        """
        images, place, gaps = self.read(results)
        results['video'] = images[torch.from_numpy(place)]
        results['frame_gap'] = torch.from_numpy(gaps)
        return results

    def read(
        self, results: dict, reader: FrameReader | None = None
    ) -> tuple[Tensor, np.ndarray, np.ndarray]:
        """Decode all sampled frames, each once; see :meth:`transform`.

        Args:
            results (dict): The sample.
            reader (FrameReader, optional): Reader of its frames, ``size`` pixels wide,
                ``fps`` per second. Default: a reader that decodes in this thread.

        Returns:
            tuple: frames (N, 3, size, size) uint8; index of the frames of each sample
            (K, T) int64; gaps (K,).
        """
        if reader is None:
            with self.open(results) as reader:
                return self.read(results, reader)
        frames = self.stretch(results, self.fps, len(reader))
        drawn, gaps = self.draw(results, len(frames))
        wanted, place = np.unique(frames.start + drawn, return_inverse=True)
        images = torch.as_tensor(reader.take(wanted.tolist()))
        return images, place.reshape(drawn.shape), gaps

    def open(self, results: dict) -> ClipReader:
        """Open the video without decoding a frame."""
        source = FrameSource(self.size, self.fps, backend=self.backend)
        return source.open(VideoItem(results['video_id'], results['video_path']))


@TRANSFORMS.register_module()
class FramesToImages(BaseTransform):
    """Convert sampled frames to the format of mmaction2's recognizers (``NCTHW``).

    Required keys: ``video`` (K, T, 3, H, W). Added keys: ``imgs`` (K, 3, T, H, W).
    """

    def transform(self, results: dict) -> dict:
        results['imgs'] = results['video'].transpose(1, 2).contiguous()
        return results
