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
        keep_first (bool): The projection starts by handing the first C channels on as
            they are, with some of the others added: where they lie in the space of the
            class embeddings, and further streams follow.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        layer: Optional[dict] = None,
        keep_first: bool = False,
    ) -> None:
        super().__init__()
        same = in_channels == channels
        self.proj = nn.Identity() if same else nn.Linear(in_channels, channels)
        if keep_first and not same:
            nn.init.eye_(self.proj.weight.data[:, :channels])
            nn.init.zeros_(self.proj.bias)
        self.layer = None if layer is None else MODELS.build(layer)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, in_channels) to (B, T, C); ``mask`` (B, T) bool."""
        x = self.proj(features)
        return x if self.layer is None else self.layer(x, mask=mask)
