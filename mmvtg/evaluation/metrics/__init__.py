"""Metrics that a config names."""

from .action_detection_metric import ActionDetectionMetric
from .caption_retrieval_metric import CaptionRetrievalMetric
from .highlight_metric import HighlightMetric
from .moment_retrieval_metric import MomentRetrievalMetric
from .video_text_retrieval_metric import VideoTextRetrievalMetric

__all__ = [
    'ActionDetectionMetric',
    'CaptionRetrievalMetric',
    'HighlightMetric',
    'MomentRetrievalMetric',
    'VideoTextRetrievalMetric',
]
