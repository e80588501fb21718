"""What methods put into towers: taps and prompts."""

from .base import RowRequest, TowerContext, TowerHook
from .context_prompt import ContextPrompt
from .layer_tap import LayerTap

__all__ = ['ContextPrompt', 'LayerTap', 'RowRequest', 'TowerContext', 'TowerHook']
