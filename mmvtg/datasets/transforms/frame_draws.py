"""Draw frames of short videos, from features or from the video itself."""

from typing import Dict, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.feature_store import load_array
from mmvtg.datasets.frame_draws import draw_frames, draw_generator, middle_frames
from mmvtg.registry import TRANSFORMS
from mmvtg.structures import seconds_to_clips
from mmvtg.video.apart import ApartFrames

from .video import FrameReader

Reader = Union[FrameReader, ApartFrames]

_AXES = {2: '(T, C)', 4: '(T, 3, H, W)'}


class _FrameDraws(BaseTransform):
    """Base: which frames are drawn.

    Args:
        num_frames (int): T, frames of a draw.
        gaps (Sequence[int]): Gaps to draw from, in frames; one named more often is
            drawn more often. Empty: no draw, the middles of T equal parts.
        num_draws (int): K; test results are the mean over them.
        seed (int): Of the draws.
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

    def draw(self, results: Dict, total: int) -> Tuple[np.ndarray, np.ndarray]:
        """Frames (K, T) and gaps (K,) int64, of ``total`` frames."""
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

    def stretch(self, results: Dict, fps: Optional[float], total: int) -> range:
        """Which of ``total`` frames the sample's window takes.

        Raises:
            BadSampleError: None, or the window needs a frame rate that is not known.
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
    """Draws of stored frame features.

    Required keys: ``feature_path`` of (N, C), one row a frame, or of the frames
    themselves (N, 3, H, W); ``video_id``; optionally ``window`` (start, end) s,
    ``fps``, ``draw``.

    Added keys: ``video`` (K, T, C) float32 or (K, T, 3, H, W) uint8 Tensor,
    ``frame_gap`` (K,) int64 Tensor.
    """

    def transform(self, results: Dict) -> Dict:
        """Load and draw.

        Raises:
            BadSampleError: The file is missing, damaged or of another shape.
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
    """Draws of decoded frames; only those drawn are decoded.

    Required keys: ``video_path``, ``video_id``; optionally ``window``, ``draw``.

    Added keys: ``video`` (K, T, 3, size, size) uint8 RGB Tensor, ``frame_gap`` (K,).

    Args:
        fps (float): Frames per second that gaps count.
        size (int): Height and width of frames, pixels.
        **kwargs: Of the base.
    """

    def __init__(self, fps: float = 30.0, size: int = 224, **kwargs) -> None:
        super().__init__(**kwargs)
        self.fps = fps
        self.size = size

    def transform(self, results: Dict) -> Dict:
        """Decode and draw.

        Raises:
            BadSampleError: The file is missing, broken, or shorter than a frame.
        """
        images, place, gaps = self.read(results)
        results['video'] = images[torch.from_numpy(place)]
        results['frame_gap'] = torch.from_numpy(gaps)
        return results

    def read(
        self, results: Dict, reader: Optional[Reader] = None
    ) -> Tuple[Tensor, np.ndarray, np.ndarray]:
        """The frames that any draw wants, each once: see :meth:`transform`.

        Args:
            results (dict): The sample.
            reader (FrameReader, optional): Of its frames, ``size`` pixels wide and
                ``fps`` a second; default is one that decodes in this process.

        Returns:
            tuple: frames (N, 3, size, size) uint8, which of them each draw shows (K, T)
            int64, and gaps (K,).
        """
        reader = self.open(results) if reader is None else reader
        frames = self.stretch(results, self.fps, len(reader))
        drawn, gaps = self.draw(results, len(frames))
        wanted, place = np.unique(frames.start + drawn, return_inverse=True)
        images = torch.as_tensor(reader.take(wanted.tolist()))
        return images, place.reshape(drawn.shape), gaps

    def open(self, results: Dict) -> FrameReader:
        """Open the video and read no frame."""
        name = results['video_id']
        return FrameReader(results['video_path'], self.fps, self.size, video_id=name)


@TRANSFORMS.register_module()
class FramesToImages(BaseTransform):
    """What was drawn, as mmaction2's recognisers take it (its ``NCTHW``).

    Required keys: ``video`` (K, T, 3, H, W). Added keys: ``imgs`` (K, 3, T, H, W).
    """

    def transform(self, results: Dict) -> Dict:
        results['imgs'] = results['video'].transpose(1, 2).contiguous()
        return results
