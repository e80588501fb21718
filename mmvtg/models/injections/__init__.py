"""Losses that teach a tower while training and leave no trace in the model."""

from .context import VisualContextInjection
from .dynamics import SpatialDynamicInjection
from .visual_dynamic import VisualDynamicInjection

__all__ = [
    'SpatialDynamicInjection',
    'VisualContextInjection',
    'VisualDynamicInjection',
]
