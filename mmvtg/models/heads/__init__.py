"""From fused features to losses and predictions."""

from mmvtg.models import losses  # noqa: F401  heads name losses, this registers them

from .class_name_classifier import ClassNameClassifier, LinearClassifier
from .r2_head import R2Head

__all__ = ['ClassNameClassifier', 'LinearClassifier', 'R2Head']
