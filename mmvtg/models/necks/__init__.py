"""Where video and query meet, and what is made of their time axis."""

from .r2_block import R2Block
from .temporal_pyramid import TemporalPyramid

__all__ = ['R2Block', 'TemporalPyramid']
