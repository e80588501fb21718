"""Frames and motion of a moment, and of a part of the same video outside of moments."""

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmvtg.registry import TRANSFORMS
from mmvtg.structures import GroundingDataSample, clean_moments
from mmvtg.video.clips import ClipReader, FrameSource, VideoItem

from ..array_files import map_array
from ..errors import BadSampleError
from ..feature_store import MAX_LENGTH_GAP, load_array
from ..frame_draws import draw_generator
from ..moment_draws import clip_range, draw_negative, draw_positive
from .joining import resample_rows

_AXES = {2: '(T, V)'}
_KEYS = ('positive', 'intra', 'positive_motion', 'intra_motion')


@TRANSFORMS.register_module()
class LoadMomentPair(BaseTransform):
    """Sample a moment of the query and a run outside of all moments, and read both.

    Required keys: ``moments`` (N, 2) s, N >= 1, ``fps``, ``video_id``, ``query_id``;
    ``frames_feature_path`` of stored frames or ``video_path``; optionally
    ``motion_feature_path`` of (T, V), ``resampled``, ``max_length_gap``, ``draw``.

    Added keys: ``positive`` (L, 3, H, W) and ``intra`` (M, 3, H, W) uint8 RGB Tensors,
    M <= L, 0 if the moments cover the whole video; with motion, ``positive_motion``
    (L, V) and ``intra_motion`` (M, V) float32; ``positive_clips`` and ``intra_clips``,
    (start, end) of both, clips; ``num_clips`` of the video.

    Samples depend on ``seed``, ``draw`` (the epoch) and the query only.

    Args:
        max_clips (int, optional): Maximum length of a moment, clips; a random run of
            this length is taken from longer moments. None: whole moments, for
            evaluation.
        size (int): Height and width of decoded frames, pixels.
        sampling (str): Decoded frame of each clip, ``start`` or ``middle``.
        seed (int): Seed of the samples.
        backend (str): ``'auto'`` (PyAV), ``'pyav'``, or ``'decord'``, which reads
            videos of a constant frame rate only; see :func:`mmvtg.video.open_video`.

    Raises:
        ValueError: If ``sampling`` is unknown, or ``max_clips`` is below 1.
    """

    def __init__(
        self,
        max_clips: int | None = 16,
        size: int = 224,
        sampling: str = 'start',
        seed: int = 0,
        backend: str = 'auto',
    ) -> None:
        if max_clips is not None and max_clips < 1:
            raise ValueError(f'max_clips must be >= 1 or None, got {max_clips}')
        if sampling not in ('start', 'middle'):
            raise ValueError(f"sampling must be 'start' or 'middle', got {sampling!r}")
        self.max_clips = max_clips
        self.size = size
        self.sampling = sampling
        self.seed = seed
        self.backend = backend

    def transform(self, results: dict) -> dict:
        """Sample and read.

        Raises:
            BadSampleError: If the query has no moment, if the frames cannot be read, or
                if the motion features have a different length.
        """
        if not len(results['moments']):
            raise BadSampleError(
                f'query {results["query_id"]} has no moment: leave it out of the '
                'annotation file'
            )
        with self._open(results) as frames:
            results['num_clips'] = len(frames)
            positive, intra = self._draw(results, len(frames))
            motion = self._motion(results, len(frames))
            for name, clips in (('positive', positive), ('intra', intra)):
                results[f'{name}_clips'] = (clips.start, clips.stop)
                results[name] = self._take(frames, clips)
                if motion is not None:
                    rows = np.array(motion[clips.start : clips.stop], dtype=np.float32)
                    results[f'{name}_motion'] = torch.from_numpy(rows)
        return results

    def _open(self, results: dict) -> AbstractContextManager[ClipReader | np.ndarray]:
        """Open stored frames (T, 3, H, W), or a reader of T frames."""
        path = results.get('frames_feature_path')
        if path is None:
            source = FrameSource(
                self.size, results['fps'], self.sampling, backend=self.backend
            )
            return source.open(VideoItem(results['video_id'], results['video_path']))
        name = f'video {results["video_id"]}'
        frames = load_array(path, name, {4: '(T, 3, H, W)'}, read=map_array)
        if frames.shape[1] != 3 or frames.dtype != np.uint8:
            raise BadSampleError(
                f'{name}: {path} holds {frames.dtype} of shape {frames.shape} and no '
                'frames; store them with configs/_base_/features/frames.py'
            )
        return nullcontext(frames)

    def _draw(self, results: dict, total: int) -> tuple[range, range]:
        fps = results['fps']
        windows = clean_moments(results['moments'], total / fps, 1 / fps)
        moments: list[range] = [clip_range(window, fps, total) for window in windows]
        rng = draw_generator(
            self.seed, str(results['query_id']), results.get('draw', 0)
        )
        positive = draw_positive(rng, moments, self.max_clips)
        return positive, draw_negative(rng, moments, len(positive), total)

    def _motion(self, results: dict, total: int) -> np.ndarray | None:
        """Return features of all clips (total, V), or None without motion features."""
        path = results.get('motion_feature_path')
        if path is None:
            return None
        name = f'video {results["video_id"]}'
        motion = load_array(path, name, _AXES)
        if len(motion) == total:
            return motion
        allowed = results.get('max_length_gap', MAX_LENGTH_GAP)
        off = abs(len(motion) - total) > allowed
        if off and 'motion' not in results.get('resampled', ()):
            raise BadSampleError(
                f'{name}: {len(motion)} rows of motion features in {path}, but {total} '
                f'clips at {results["fps"]:g} a second; extract them at that rate, or '
                'set resample=True for the stream if they have a rate of their own'
            )
        return resample_rows(motion.astype(np.float32), total)

    @staticmethod
    def _take(frames: ClipReader | np.ndarray, clips: range) -> Tensor:
        if isinstance(frames, np.ndarray):
            return torch.from_numpy(np.array(frames[clips.start : clips.stop]))
        return torch.from_numpy(frames.read(clips.start, clips.stop))

    def __repr__(self) -> str:
        return f'LoadMomentPair(max_clips={self.max_clips}, seed={self.seed})'


@TRANSFORMS.register_module()
class PackMomentPair(BaseTransform):
    """Pack ``results`` into ``dict(inputs=dict(...), data_samples=...)``.

    ``inputs`` has ``token_ids`` (L,), ``positive`` and ``intra``, and with motion
    features ``positive_motion`` and ``intra_motion``.

    Args:
        meta_keys (tuple): Keys that become metainfo, where present.
    """

    def __init__(
        self,
        meta_keys: tuple = (
            'video_id',
            'query_id',
            'query',
            'verb_position',
            'positive_clips',
            'intra_clips',
        ),
    ) -> None:
        self.meta_keys = meta_keys

    def transform(self, results: dict) -> dict:
        inputs = {key: results[key] for key in _KEYS if key in results}
        inputs['token_ids'] = results['token_ids']
        metainfo = {key: results[key] for key in self.meta_keys if key in results}
        return dict(inputs=inputs, data_samples=GroundingDataSample(metainfo=metainfo))
