"""Building blocks that several methods share."""

from .attention import MultiheadAttention, attend_heads
from .cell_conv import CellConvStack, plan_cells
from .conv import ConvHead, DownsampleConv
from .dropout import Dropout, draw_kept
from .mlp import MLP, FeedForward, TokenMLP
from .pooling import AttentionPooling, masked_max
from .position import WordPosition, sine_code, sine_grid, sine_position
from .temporal_convs import TemporalConvs
from .transformer import (
    DETR_LAYER,
    TransformerEncoder,
    TransformerLayer,
    xavier_init_,
)
from .wide_attention import WideAttention

__all__ = [
    'DETR_LAYER',
    'MLP',
    'AttentionPooling',
    'CellConvStack',
    'ConvHead',
    'DownsampleConv',
    'Dropout',
    'FeedForward',
    'MultiheadAttention',
    'TemporalConvs',
    'TokenMLP',
    'TransformerEncoder',
    'TransformerLayer',
    'WideAttention',
    'WordPosition',
    'attend_heads',
    'draw_kept',
    'masked_max',
    'plan_cells',
    'sine_code',
    'sine_grid',
    'sine_position',
    'xavier_init_',
]
