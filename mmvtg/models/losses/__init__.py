"""Losses, one implementation each."""

from .action_mask import ActionMaskLoss, WholeMaskLoss
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
    pair_nce,
    saliency_nce,
)
from .moment_matching import (
    AttentionConsistencyLoss,
    MomentRankingLoss,
    QueryContrastLoss,
)
from .mutual_matching import MutualMatchingLoss
from .regression import SpanGIoULoss, SpanL1Loss
from .saliency import NegativePairLoss, RankContrastLoss, SaliencyHingeLoss
from .snippet import BranchConsistencyLoss, SnippetCELoss

__all__ = [
    'ActionMaskLoss',
    'AttentionConsistencyLoss',
    'BCELoss',
    'BranchConsistencyLoss',
    'FocalLoss',
    'ForegroundCELoss',
    'InfoNCELoss',
    'MomentRankingLoss',
    'MutualMatchingLoss',
    'NegativePairLoss',
    'QueryContrastLoss',
    'QueryWordLoss',
    'RankContrastLoss',
    'SaliencyHingeLoss',
    'SaliencyNCELoss',
    'SnippetCELoss',
    'SpanGIoULoss',
    'SpanL1Loss',
    'WholeMaskLoss',
    'focal_loss',
    'info_nce',
    'masked_mean',
    'pair_nce',
    'saliency_nce',
]
