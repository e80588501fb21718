"""Motion features of a whole video file, beside those of the vision tower."""

from typing import Any, Callable

import torch
from mmengine.config import ConfigDict
from torch import Tensor

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.joining import resample_rows

from .feature_cache import FeatureCache
from .model_loading import clip_rate, frame_source, test_dataset
from .video_stream import VideoStream

_WHOLE = 1e9  # s; vectors of clips are small


class MotionStream:
    """Makes motion of a video as a data set loads it: one vector a clip.

    The config's ``motion_extractor`` is written as ``feature_extractor`` is, and may
    have an ``fps`` of its own if the data set says ``streams.motion.resample``. Motion
    is made of the whole video at once, before its windows are asked.

    Args:
        cfg (ConfigDict): With ``motion_extractor``.
        build_tower (callable): Makes its ``vision_tower``.
        fps (float): Clips per second of the model.
        cache (FeatureCache): Where motion is kept.

    Raises:
        ValueError: Another rate than the model's, and no ``resample``.
    """

    def __init__(
        self,
        cfg: ConfigDict,
        build_tower: Callable[[ConfigDict], Any],
        fps: float,
        cache: FeatureCache,
    ) -> None:
        extractor = cfg.motion_extractor
        own = clip_rate(extractor, extractor.get('fps', fps))
        streams = test_dataset(cfg).get('streams') or {}
        self.resample = (streams.get('motion') or {}).get('resample', False)
        if own != fps and not self.resample:
            raise ValueError(
                f'motion_extractor makes {own:g} clips a second, the model wants '
                f'{fps:g}: make them equal, or set streams.motion.resample in the data '
                'set, as it was in training'
            )
        tower = build_tower(extractor.vision_tower)
        self.stream = VideoStream(tower, frame_source(extractor, own), _WHOLE, 0, cache)

    def __call__(self, path: str, num_clips: int) -> Tensor:
        """Motion (num_clips, C) of a video.

        Raises:
            BadSampleError: The video cannot be read, or motion has fewer clips.
        """
        (part,) = self.stream(path)
        rows = part.features
        if self.resample:
            return torch.from_numpy(resample_rows(rows.numpy(), num_clips))
        if len(rows) < num_clips:
            raise BadSampleError(
                f'video {path}: {len(rows)} clips of motion, but {num_clips} of frames'
            )
        return rows[:num_clips]  # as a data set cuts what is longer
