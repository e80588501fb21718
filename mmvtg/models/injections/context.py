"""Visual context injection: what is seen, told to the words of change (VDI)."""

from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import TransformerLayer
from mmvtg.registry import MODELS

#: Decoder and encoder layers of VDI; the paper does not give their sizes.
VDI_LAYER = dict(num_heads=8, ffn_channels=2048, dropout=0.1)

_QUERIES = ('static', 'full', 'none')


@MODELS.register_module()
class VisualContextInjection(BaseModule):
    """Dynamic queries come near what their static queries find in the frames.

    A transformer decoder looks from the static query at the frames (VDI eq. 1), and the
    squared distance of the projected dynamic query from what it brings back is the loss
    (eq. 2). Frames have no position: context is a set.

    Args:
        channels (int): D, of queries and frames in CLIP's common space.
        num_layers (int): Of the decoder.
        layer (dict, optional): Of :class:`TransformerLayer`, over 8 heads, a hidden
            width of 2048 and dropout 0.1.
        context_query (str): Who looks: the ``static`` query, the ``full`` one, or
            ``none``, a learned vector (VDI Table 3).
        reduction (str): Over channels: ``sum`` is eq. 2 to the letter, and some 250
            times the other losses for D = 512; ``mean`` is of their size.
        detach_context (bool): The gradient ends at what the decoder brings back.
        loss_weight (float): Factor of the result.

    Raises:
        ValueError: If ``context_query`` or ``reduction`` is unknown.
    """

    def __init__(
        self,
        channels: int,
        num_layers: int = 1,
        layer: Optional[dict] = None,
        context_query: str = 'static',
        reduction: str = 'sum',
        detach_context: bool = False,
        loss_weight: float = 0.5,
    ) -> None:
        super().__init__()
        if context_query not in _QUERIES:
            raise ValueError(f'context_query is {context_query!r}, want one {_QUERIES}')
        if reduction not in ('sum', 'mean'):
            raise ValueError(f"reduction is {reduction!r}, want 'sum' or 'mean'")
        self.context_query = context_query
        self.reduction = reduction
        self.detach_context = detach_context
        self.loss_weight = loss_weight
        self.decoder = nn.ModuleList(
            TransformerLayer(channels, **{**VDI_LAYER, **(layer or {})})
            for _ in range(num_layers)
        )
        self.query_proj = nn.Linear(channels, channels)
        if context_query == 'none':
            self.learned_query = nn.Parameter(torch.randn(channels) * 0.02)

    def look(self, query: Tensor, frames: Tensor, mask: Tensor) -> Tensor:
        """What a query finds in the frames (eq. 1).

        Args:
            query (Tensor): (B, D).
            frames (Tensor): (B, T, D).
            mask (Tensor): (B, T) bool.

        Returns:
            Tensor: (B, D).
        """
        x = query[:, None]
        for layer in self.decoder:
            x = layer(x, frames, memory_mask=mask)
        return x[:, 0]

    def distances(
        self,
        full: Tensor,
        static: Tensor,
        dynamic: Tensor,
        frames: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """(B,), the loss of each pair (eq. 2) before its weight."""
        query = dict(full=full, static=static).get(self.context_query)
        if query is None:
            query = self.learned_query.expand_as(static)
        context = self.look(query, frames, mask)
        if self.detach_context:
            context = context.detach()
        square = (self.query_proj(dynamic) - context).square()
        return square.sum(-1) if self.reduction == 'sum' else square.mean(-1)
