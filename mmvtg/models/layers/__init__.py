"""Building blocks that several methods share."""

from .attention import MultiheadAttention
from .conv import ConvHead, DownsampleConv
from .mlp import FeedForward, TokenMLP
from .pooling import AttentionPooling, masked_max
from .position import sine_grid, sine_position
from .transformer import TransformerLayer

__all__ = [
    'AttentionPooling',
    'ConvHead',
    'DownsampleConv',
    'FeedForward',
    'MultiheadAttention',
    'TokenMLP',
    'TransformerLayer',
    'masked_max',
    'sine_grid',
    'sine_position',
]
