"""Where video and query meet, and what is made of their time axis."""

from .cross_encoder import CrossEncoder
from .joint_encoder import JointEncoder
from .r2_block import R2Block
from .temporal_pyramid import TemporalPyramid

__all__ = ['CrossEncoder', 'JointEncoder', 'R2Block', 'TemporalPyramid']
