"""What methods put into towers: taps now, prompts as the methods arrive."""

from .base import RowRequest, TowerContext, TowerHook
from .layer_tap import LayerTap

__all__ = ['LayerTap', 'RowRequest', 'TowerContext', 'TowerHook']
