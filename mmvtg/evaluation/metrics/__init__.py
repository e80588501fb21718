"""Metrics that a config names."""

from .highlight_metric import HighlightMetric
from .moment_retrieval_metric import MomentRetrievalMetric

__all__ = ['HighlightMetric', 'MomentRetrievalMetric']
