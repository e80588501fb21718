"""Class embeddings look at the video before they are compared with it (STALE)."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import TransformerLayer
from mmvtg.registry import MODELS


@MODELS.register_module()
class CrossModalAdaption(BaseModule):
    """Text attends to itself and to foreground clips, and moves a little (eq. 5, 6).

    Args:
        channels (int): C.
        num_heads (int): Of both attentions.
        dropout (float): While training.
        init_scale (float): Start of the learned factor alpha, one a channel.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int = 8,
        dropout: float = 0.1,
        init_scale: float = 1e-3,
    ) -> None:
        super().__init__()
        self.layer = TransformerLayer(
            channels, num_heads, 4 * channels, pre_norm=True, dropout=dropout
        )
        self.alpha = nn.Parameter(torch.full((channels,), init_scale))

    def forward(self, text: Tensor, clips: Tensor, foreground: Tensor) -> Tensor:
        """Adapt.

        Args:
            text (Tensor): (B, K + 1, C).
            clips (Tensor): (B, T, C).
            foreground (Tensor): (B, T) bool, at least one True each.

        Returns:
            Tensor: (B, K + 1, C).
        """
        seen = self.layer(text, clips, memory_mask=foreground)
        return text + self.alpha * seen
