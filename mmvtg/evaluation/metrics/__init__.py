"""Metrics that a config names."""

from .caption_retrieval_metric import CaptionRetrievalMetric
from .highlight_metric import HighlightMetric
from .moment_retrieval_metric import MomentRetrievalMetric

__all__ = ['CaptionRetrievalMetric', 'HighlightMetric', 'MomentRetrievalMetric']
