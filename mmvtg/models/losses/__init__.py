"""Losses, one implementation each."""

from .classification import BCELoss, FocalLoss, focal_loss, masked_mean
from .contrastive import InfoNCELoss, SaliencyNCELoss, info_nce, pair_nce, saliency_nce
from .regression import SpanL1Loss

__all__ = [
    'BCELoss',
    'FocalLoss',
    'InfoNCELoss',
    'SaliencyNCELoss',
    'SpanL1Loss',
    'focal_loss',
    'info_nce',
    'masked_mean',
    'pair_nce',
    'saliency_nce',
]
