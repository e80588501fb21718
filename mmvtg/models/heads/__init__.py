"""From fused features to losses and predictions."""

from mmvtg.models import losses  # noqa: F401  heads name losses, this registers them

from .anchor_free_head import AnchorFreeProposalHead
from .class_name_classifier import ClassNameClassifier, LinearClassifier
from .detr_head import DETRHead
from .foreground import AnnotatedForeground, ConvForeground, QueryForeground
from .mask_localizer import DynamicMaskLocalizer, StaticMaskLocalizer
from .mmn_head import MMNHead
from .nameless_classes import NamelessClasses
from .proposal_head import BMNHead
from .r2_head import R2Head
from .saliency import LinearSaliency, SummarySaliency, SumSaliency
from .segment_naming_head import SegmentNamingHead
from .stale_head import STALEHead
from .tr_detr_head import TRDETRHead
from .univtg_head import UniVTGHead

__all__ = [
    'AnchorFreeProposalHead',
    'AnnotatedForeground',
    'BMNHead',
    'ClassNameClassifier',
    'ConvForeground',
    'DETRHead',
    'DynamicMaskLocalizer',
    'LinearClassifier',
    'LinearSaliency',
    'MMNHead',
    'NamelessClasses',
    'QueryForeground',
    'R2Head',
    'STALEHead',
    'SegmentNamingHead',
    'StaticMaskLocalizer',
    'SumSaliency',
    'SummarySaliency',
    'TRDETRHead',
    'UniVTGHead',
]
