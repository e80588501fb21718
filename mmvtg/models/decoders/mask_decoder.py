"""Queries that say which clips belong to something, whatever it is (STALE)."""

from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import MLP, TransformerEncoder, sine_position
from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures

from .query_decoder import QueryDecoder

#: What MaskFormer takes where a config says nothing.
MASK_LAYER = dict(num_heads=8, ffn_channels=2048, dropout=0.1)


@MODELS.register_module()
class MaskDecoder(BaseModule):
    """One mask over time a learned query, after MaskFormer (STALE eq. 3).

    Args:
        in_channels (int): Width of the memory that queries look at.
        channels (int): Width of queries.
        mask_channels (int): Width of the clips that masks are read from.
        num_queries (int): Q, 20 in the paper.
        encoder_layers (int): Self-attention layers over the memory.
        decoder_layers (int): Layers of queries.
        layer (dict, optional): Of :class:`TransformerLayer`, over 8 heads, a hidden
            width of 2048 and dropout 0.1.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        mask_channels: int,
        num_queries: int = 20,
        encoder_layers: int = 2,
        decoder_layers: int = 2,
        layer: Optional[dict] = None,
    ) -> None:
        super().__init__()
        layer = {**MASK_LAYER, **(layer or {})}
        self.channels = channels
        self.num_queries = num_queries
        self.input_proj = nn.Linear(in_channels, channels)
        self.encoder = TransformerEncoder(channels, encoder_layers, **layer)
        needs_norm = layer.get('pre_norm', False) and encoder_layers > 0
        self.encoder_norm = nn.LayerNorm(channels) if needs_norm else nn.Identity()
        self.decoder = QueryDecoder(
            channels, num_queries, decoder_layers, layer, see_words=False
        )
        self.mask_mlp = MLP(channels, channels, mask_channels, num_layers=3)

    def forward(
        self,
        memory: Tensor,
        clips: Tensor,
        mask: Tensor,
        position: Optional[Tensor] = None,
    ) -> Tensor:
        """Decode.

        Args:
            memory (Tensor): (B, T, in_channels).
            clips (Tensor): (B, T, mask_channels).
            mask (Tensor): (B, T) bool.
            position (Tensor, optional): (B, T, channels); default is the sine code.

        Returns:
            Tensor: (B, Q, T) logits.
        """
        if position is None:
            position = sine_position(mask.sum(1), mask.size(1), self.channels)
            position = position.to(memory.dtype)
        memory = self.encoder(self.input_proj(memory), mask, position)
        memory = self.encoder_norm(memory)
        seen = FusedFeatures(
            clips=memory,
            mask=mask,
            words=memory[:, :0],
            words_mask=mask[:, :0],
            position=position,
        )
        queries = self.mask_mlp(self.decoder(seen).states[-1])
        return torch.einsum('bqc,btc->bqt', queries, clips)
