"""Clips that know of each other, before anything is asked about them."""

from typing import Optional

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.registry import MODELS


@MODELS.register_module()
class TemporalEmbedding(BaseModule):
    """Projection of features and one temporal layer (STALE eq. 1).

    Args:
        in_channels (int): Width of the features.
        channels (int): C. Equal widths are not projected.
        layer (dict, optional): ``(x (B, T, C), mask=(B, T)) -> (B, T, C)``; None: clips
            stay alone.
    """

    def __init__(
        self, in_channels: int, channels: int, layer: Optional[dict] = None
    ) -> None:
        super().__init__()
        same = in_channels == channels
        self.proj = nn.Identity() if same else nn.Linear(in_channels, channels)
        self.layer = None if layer is None else MODELS.build(layer)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, in_channels) to (B, T, C); ``mask`` (B, T) bool."""
        x = self.proj(features)
        return x if self.layer is None else self.layer(x, mask=mask)
