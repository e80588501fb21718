"""Queries that are spans, refined layer by layer (QD-DETR, after DAB-DETR)."""

import math
from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import (
    DETR_LAYER,
    MLP,
    Dropout,
    FeedForward,
    attend_heads,
    sine_code,
    xavier_init_,
)
from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures

from .query_decoder import DecoderOutputs


@MODELS.register_module()
class AnchorDecoder(BaseModule):
    """Each query has an anchor, (center, width), which is its position.

    A layer sees the anchor as a sine code, modulated by the width that the query looks
    for over the width that it has, and moves it; no gradient flows from one layer's
    anchor into the layer before.

    Args:
        channels (int): C.
        num_queries (int): Q.
        num_layers (int): N. All share the last norm and what moves anchors.
        layer (dict, optional): ``num_heads``, ``ffn_channels``, ``dropout`` and
            ``activation``, over 8, 1024, 0.1 and PReLU.
    """

    def __init__(
        self,
        channels: int = 256,
        num_queries: int = 10,
        num_layers: int = 2,
        layer: Optional[dict] = None,
    ) -> None:
        super().__init__()
        layer = {**DETR_LAYER, 'activation': 'prelu', **(layer or {})}
        self.layers = nn.ModuleList(
            AnchorDecoderLayer(channels, first=i == 0, **layer)
            for i in range(num_layers)
        )
        self.norm = nn.LayerNorm(channels)
        self.query_scale = MLP(channels, channels, channels, 2)
        self.position_mlp = MLP(channels, channels, channels, 2)
        self.width_mlp = MLP(channels, channels, 1, 2)
        self.move = MLP(channels, channels, 2, 3)
        xavier_init_(self)
        nn.init.zeros_(self.move.layers[-1].bias)
        self.anchors = nn.Embedding(num_queries, 2)

    def forward(self, fused: FusedFeatures) -> DecoderOutputs:
        """Decode ``clips`` (B, T, C) with their position.

        Returns:
            DecoderOutputs: States and the anchors that they started from.
        """
        memory, mask = fused.clips, fused.mask
        anchor = self.anchors.weight.sigmoid().expand(memory.size(0), -1, -1)
        x = memory.new_zeros(*anchor.shape[:2], memory.size(-1))
        states, anchors = [], [anchor]
        for i, layer in enumerate(self.layers):
            # gradient for the head that reads `anchors`, none for the next layer
            anchor = anchors[-1] if i == 0 else anchors[-1].detach()
            code = sine_code(2 * math.pi * anchor, x.size(-1) // 2).flatten(-2)
            place = self.position_mlp(code)
            if i > 0:
                code = code * self.query_scale(x)
            code = code * (self.width_mlp(x).sigmoid() / anchor[..., 1:])
            x = layer(x, place, code, memory, fused.position, mask)
            states.append(self.norm(x))
            if i + 1 < len(self.layers):
                anchors.append((self.move(x) + inverse_sigmoid(anchor)).sigmoid())
        return DecoderOutputs(torch.stack(states), torch.stack(anchors))


class AnchorDecoderLayer(nn.Module):
    """Conditional attention: content and position compared apart (post-norm).

    Among queries, position is added to content; from queries to clips, the two stand
    side by side, so that each has its own dot product.

    Args:
        channels (int): C.
        num_heads (int): Of both attentions.
        ffn_channels (int): Hidden width of the feed-forward part.
        activation (str): Of the feed-forward part.
        dropout (float): Of attention weights, hidden units and branch outputs.
        first (bool): Position is added to content among clips, too.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int,
        ffn_channels: int,
        activation: str,
        dropout: float,
        first: bool,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        names = ['query', 'query_place', 'key', 'key_place', 'value', 'out']
        parts = [f'self_{name}' for name in names]
        parts += [f'cross_{name}' for name in names + ['query_code']]
        for name in parts:
            self.add_module(name, nn.Linear(channels, channels))
        if not first:
            self.cross_query_place = None
        self.ffn = FeedForward(channels, ffn_channels, activation, dropout)
        self.self_norm = nn.LayerNorm(channels)
        self.cross_norm = nn.LayerNorm(channels)
        self.ffn_norm = nn.LayerNorm(channels)
        self.dropout = Dropout(dropout)
        nn.init.zeros_(self.self_out.bias)
        nn.init.zeros_(self.cross_out.bias)

    def forward(
        self,
        x: Tensor,
        place: Tensor,
        code: Tensor,
        memory: Tensor,
        memory_place: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """Look at the other queries and at clips.

        Args:
            x (Tensor): (B, Q, C).
            place (Tensor): (B, Q, C), where queries stand, for the others.
            code (Tensor): (B, Q, C), modulated sine code of it, for clips.
            memory (Tensor): (B, T, C).
            memory_place (Tensor): (B, T, C).
            mask (Tensor): (B, T) bool.

        Returns:
            Tensor: (B, Q, C).
        """
        x = self.self_norm(x + self.dropout(self.attend_queries(x, place)))
        y = self.attend_clips(x, place, code, memory, memory_place, mask)
        x = self.cross_norm(x + self.dropout(y))
        return self.ffn_norm(x + self.dropout(self.ffn(x)))

    def attend_queries(self, x: Tensor, place: Tensor) -> Tensor:
        """(B, Q, C): self-attention."""
        query = self.self_query(x) + self.self_query_place(place)
        key = self.self_key(x) + self.self_key_place(place)
        return self.self_out(self._attend(query, key, self.self_value(x)))

    def attend_clips(
        self,
        x: Tensor,
        place: Tensor,
        code: Tensor,
        memory: Tensor,
        memory_place: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """(B, Q, C): cross-attention."""
        query, key = self.cross_query(x), self.cross_key(memory)
        memory_place = self.cross_key_place(memory_place)
        if self.cross_query_place is not None:
            query = query + self.cross_query_place(place)
            key = key + memory_place
        query = self._side_by_side(query, self.cross_query_code(code))
        key = self._side_by_side(key, memory_place)
        return self.cross_out(self._attend(query, key, self.cross_value(memory), mask))

    def _side_by_side(self, content: Tensor, place: Tensor) -> Tensor:
        """(B, N, 2 C), within each head content first."""
        split = (self.num_heads, -1)
        parts = content.unflatten(-1, split), place.unflatten(-1, split)
        return torch.cat(parts, dim=-1).flatten(-2)

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Optional[Tensor] = None
    ) -> Tensor:
        dropout = self.dropout.p if self.training else 0.0
        return attend_heads(query, key, value, self.num_heads, mask, dropout)


def inverse_sigmoid(x: Tensor, eps: float = 1e-3) -> Tensor:
    """Logits of ``x`` in [0, 1], not beyond those of ``eps`` and 1 - ``eps``."""
    x = x.clamp(0, 1)
    return (x.clamp(min=eps) / (1 - x).clamp(min=eps)).log()
