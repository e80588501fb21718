"""What flows through the house: samples, features, spans."""

from mmvtg.video.grids import MAX_DURATION, num_clips

from .features import (
    FusedFeatures,
    ProposalFeatures,
    QueryFeatures,
    StepFeatures,
    VideoFeatures,
)
from .grounding_data_sample import GroundingDataSample
from .spans import (
    center_to_span,
    clean_moments,
    clips_to_seconds,
    resample_clips,
    seconds_to_clips,
    span_giou,
    span_iou,
    span_to_center,
    window_starts,
)

__all__ = [
    'MAX_DURATION',
    'FusedFeatures',
    'GroundingDataSample',
    'ProposalFeatures',
    'QueryFeatures',
    'StepFeatures',
    'VideoFeatures',
    'center_to_span',
    'clean_moments',
    'clips_to_seconds',
    'num_clips',
    'resample_clips',
    'seconds_to_clips',
    'span_giou',
    'span_iou',
    'span_to_center',
    'window_starts',
]
