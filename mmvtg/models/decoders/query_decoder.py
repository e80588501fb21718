"""Learned queries that look for moments (Moment-DETR)."""

from dataclasses import dataclass
from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import DETR_LAYER, TransformerLayer, xavier_init_
from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures


@dataclass
class DecoderOutputs:
    """What a decoder says, layer by layer.

    Args:
        states (Tensor): (N, B, Q, C) of N layers.
        anchors (Tensor, optional): (N, B, Q, 2) in (0, 1), center and width as
            fractions of the video, from which the layer's spans are offsets.
    """

    states: Tensor
    anchors: Optional[Tensor] = None


@MODELS.register_module()
class QueryDecoder(BaseModule):
    """Queries that start from zero and differ by a learned position.

    Args:
        channels (int): C.
        num_queries (int): Q.
        num_layers (int): N. All share the last norm.
        layer (dict, optional): Of :class:`TransformerLayer`, over 8 heads, a hidden
            width of 1024 and dropout 0.1.
        see_words (bool): Queries look at words, too; else at clips alone.
    """

    def __init__(
        self,
        channels: int = 256,
        num_queries: int = 10,
        num_layers: int = 2,
        layer: Optional[dict] = None,
        see_words: bool = True,
    ) -> None:
        super().__init__()
        self.see_words = see_words
        layer = {**DETR_LAYER, **(layer or {})}
        self.layers = nn.ModuleList(
            TransformerLayer(
                channels, order=('self_attn', 'cross_attn', 'ffn'), **layer
            )
            for _ in range(num_layers)
        )
        xavier_init_(self.layers)
        self.norm = nn.LayerNorm(channels)
        self.query_embed = nn.Embedding(num_queries, channels)

    def forward(self, fused: FusedFeatures) -> DecoderOutputs:
        """Decode ``clips`` (B, T, C), and ``words`` if they are to be seen."""
        memory, mask, place = fused.clips, fused.mask, fused.position
        if self.see_words:
            memory = torch.cat([memory, fused.words], dim=1)
            mask = torch.cat([mask, fused.words_mask], dim=1)
            place = torch.cat([place, fused.words_position], dim=1)
        query = self.query_embed.weight.expand(memory.size(0), -1, -1)
        x, states = torch.zeros_like(query), []
        for layer in self.layers:
            x = layer(
                x,
                memory,
                memory_mask=mask,
                position=query,
                memory_position=place,
            )
            states.append(self.norm(x))
        return DecoderOutputs(torch.stack(states))
