"""Where video and query meet, and what is made of their time axis."""

from .r2_block import R2Block
from .temporal_pyramid import TemporalPyramid
from .temporal_transformer import TemporalTransformer

__all__ = ['R2Block', 'TemporalPyramid', 'TemporalTransformer']
