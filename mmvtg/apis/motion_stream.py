"""Motion features of a whole video file, beside those of the vision tower."""

from typing import Any, Callable

import torch
from mmengine.config import ConfigDict
from torch import Tensor

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.joining import resample_rows
from mmvtg.extraction.extractor import BATCH_FRAMES

from .feature_cache import FeatureCache
from .model_loading import clip_rate, frame_source, test_dataset
from .video_stream import WHOLE, VideoStream


class EvenStream(VideoStream):
    """Lets the tower see batches of one size, filled up with black, as extraction does.

    So motion is that of a store to the bit: convolutions over batches of different size
    round differently.
    """

    def encode(self, frames: Tensor) -> Tensor:
        """Run the tower: (T, F, 3, H, W) uint8 -> (T, C)."""
        size = min(self.tower.chunk_size, BATCH_FRAMES // self.source.frames_per_clip)
        size = max(size, 1)
        black = frames.new_zeros(-len(frames) % size, *frames.shape[1:])
        batches = torch.cat([frames, black]).split(size)
        rows = torch.cat([super(EvenStream, self).encode(one) for one in batches])
        return rows[: len(frames)].clone()


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
        self.stream = EvenStream(tower, frame_source(extractor, own), WHOLE, 0, cache)

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
