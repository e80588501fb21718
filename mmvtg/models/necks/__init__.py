"""Where video and query meet, and what is made of their time axis."""

from .cross_encoder import CrossEncoder
from .joint_encoder import JointEncoder
from .proposal_map import ProposalMap
from .r2_block import R2Block
from .temporal_embedding import TemporalEmbedding
from .temporal_pyramid import TemporalPyramid
from .temporal_transformer import TemporalTransformer
from .text_adaption import CrossModalAdaption

__all__ = [
    'CrossEncoder',
    'CrossModalAdaption',
    'JointEncoder',
    'ProposalMap',
    'R2Block',
    'TemporalEmbedding',
    'TemporalPyramid',
    'TemporalTransformer',
]
