"""From fused clips to a few vectors, one for each moment that may be there."""

from .anchor_decoder import AnchorDecoder
from .mask_decoder import MaskDecoder
from .query_decoder import DecoderOutputs, QueryDecoder

__all__ = ['AnchorDecoder', 'DecoderOutputs', 'MaskDecoder', 'QueryDecoder']
