"""What flows through the house: samples, features, spans."""

from .features import FusedFeatures, QueryFeatures, StepFeatures, VideoFeatures
from .grounding_data_sample import GroundingDataSample
from .spans import (
    clean_moments,
    clips_to_seconds,
    num_clips,
    resample_clips,
    seconds_to_clips,
    span_iou,
)

__all__ = [
    'FusedFeatures',
    'GroundingDataSample',
    'QueryFeatures',
    'StepFeatures',
    'VideoFeatures',
    'clean_moments',
    'clips_to_seconds',
    'num_clips',
    'resample_clips',
    'seconds_to_clips',
    'span_iou',
]
