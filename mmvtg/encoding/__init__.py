"""Frames and queries -> features: one frame encoder, one query encoder, one batching.

Feature extraction and the inferencers call these, so a raw video and a feature store
of the same towers give a model the same numbers.
"""

from .batching import Batcher
from .cache import FeatureCache, fingerprint
from .frames import FrameEncoder
from .queries import QueryEncoder
from .sampled_frames import SAMPLING_STEPS, SampledFrames
from .streams import WHOLE, VideoPart, VideoStreams
from .windows import Window, plan_windows, sliding_windows

__all__ = [
    'Batcher',
    'FeatureCache',
    'FrameEncoder',
    'QueryEncoder',
    'SAMPLING_STEPS',
    'SampledFrames',
    'VideoPart',
    'VideoStreams',
    'WHOLE',
    'Window',
    'fingerprint',
    'plan_windows',
    'sliding_windows',
]
