"""From fused features to losses and predictions."""

from mmvtg.models import losses  # noqa: F401  heads name losses, this registers them

from .detr_head import DETRHead
from .r2_head import R2Head
from .saliency import LinearSaliency, SummarySaliency, SumSaliency
from .tr_detr_head import TRDETRHead
from .univtg_head import UniVTGHead

__all__ = [
    'DETRHead',
    'LinearSaliency',
    'R2Head',
    'SumSaliency',
    'SummarySaliency',
    'TRDETRHead',
    'UniVTGHead',
]
