"""Which clips show an action, whatever action it is: STALE's class-agnostic mask."""

from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import ConvHead
from mmvtg.registry import MODELS


class QueryWeighting(nn.Module):
    """Weighted sum of query masks (STALE eq. 4), before its sigmoid.

    The masks are probabilities already, so the start is scaled such that masks of 0, a
    half and 1 give probabilities of 0.02, a half and 0.98.

    Args:
        num_queries (int): Q.
    """

    def __init__(self, num_queries: int) -> None:
        super().__init__()
        self.linear = nn.Linear(num_queries, 1)
        nn.init.constant_(self.linear.weight, 8 / num_queries)
        nn.init.constant_(self.linear.bias, -4)

    def forward(self, query_masks: Tensor) -> Tensor:
        """Probabilities (B, Q, T) to logits (B, T)."""
        return self.linear(query_masks.transpose(1, 2)).squeeze(-1)


@MODELS.register_module()
class QueryForeground(BaseModule):
    """Foreground as the weighted masks of a mask decoder (STALE eq. 3, 4).

    Args:
        decoder (dict): ``(memory, clips, mask) -> (B, Q, T)`` logits, and
            ``num_queries``.
    """

    def __init__(self, decoder: dict) -> None:
        super().__init__()
        self.decoder = MODELS.build(decoder)
        self.weighting = QueryWeighting(self.decoder.num_queries)

    def forward(
        self, clips: Tensor, mask: Tensor, target: Optional[Tensor] = None
    ) -> Tensor:
        """Logits (B, T) of clips (B, T, C) with ``mask`` (B, T)."""
        return self.weighting(self.decoder(clips, clips, mask).sigmoid())


@MODELS.register_module()
class ConvForeground(BaseModule):
    """Foreground by two convolutions (STALE, table 4).

    Args:
        channels (int): C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = ConvHead(channels, 1)

    def forward(
        self, clips: Tensor, mask: Tensor, target: Optional[Tensor] = None
    ) -> Tensor:
        """Logits (B, T) of clips (B, T, C) with ``mask`` (B, T)."""
        return self.convs(clips, mask).squeeze(-1)


@MODELS.register_module()
class AnnotatedForeground(BaseModule):
    """The annotated foreground itself, in training and test: an upper bound.

    What is measured with it is no result of a detector (STALE, tables 3 and 4).
    """

    uses_annotation = True

    def forward(
        self, clips: Tensor, mask: Tensor, target: Optional[Tensor] = None
    ) -> Tensor:
        """Logits (B, T) of +-10 by ``target`` (B, T) bool.

        Raises:
            ValueError: There is no annotation.
        """
        if target is None:
            raise ValueError(
                'AnnotatedForeground needs annotated videos; use another foreground '
                'where there is no annotation'
            )
        return torch.where(target, 10.0, -10.0)


def binarize(probability: Tensor, mask: Tensor, threshold: float) -> Tensor:
    """The clips that are foreground; all real ones where none would be.

    Args:
        probability (Tensor): (B, T) in [0, 1].
        mask (Tensor): (B, T) bool.
        threshold (float): From here on a clip is foreground.

    Returns:
        Tensor: (B, T) bool.
    """
    chosen = (probability >= threshold) & mask
    return torch.where(chosen.any(1, keepdim=True), chosen, mask)
