"""Losses, one implementation each."""

from .classification import (
    BCELoss,
    FocalLoss,
    ForegroundCELoss,
    focal_loss,
    masked_mean,
)
from .contrastive import (
    InfoNCELoss,
    QueryWordLoss,
    SaliencyNCELoss,
    info_nce,
    saliency_nce,
)
from .regression import SpanGIoULoss, SpanL1Loss
from .saliency import NegativePairLoss, RankContrastLoss, SaliencyHingeLoss

__all__ = [
    'BCELoss',
    'FocalLoss',
    'ForegroundCELoss',
    'InfoNCELoss',
    'NegativePairLoss',
    'QueryWordLoss',
    'RankContrastLoss',
    'SaliencyHingeLoss',
    'SaliencyNCELoss',
    'SpanGIoULoss',
    'SpanL1Loss',
    'focal_loss',
    'info_nce',
    'masked_mean',
    'saliency_nce',
]
