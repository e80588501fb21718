"""What methods put into towers: taps, prompts and adapters."""

from .action_prompt import ActionPrompt
from .adapter import Adapter
from .base import RowRequest, TowerContext, TowerHook
from .context_prompt import ContextPrompt
from .layer_tap import LayerTap
from .temporal_prompt import TemporalPrompt
from .token_tap import TokenTap
from .visual_prompt import VisualPrompt

__all__ = [
    'ActionPrompt',
    'Adapter',
    'ContextPrompt',
    'LayerTap',
    'RowRequest',
    'TemporalPrompt',
    'TokenTap',
    'TowerContext',
    'TowerHook',
    'VisualPrompt',
]
