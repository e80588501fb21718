"""A bottleneck behind every layer of a tower."""

from typing import Optional

from torch import Tensor, nn

from mmvtg.models.layers import FeedForward
from mmvtg.registry import MODELS

from .base import TowerContext, TowerHook


@MODELS.register_module()
class Adapter(TowerHook):
    """Adapters (Houlsby et al., ICML 2019), one behind each layer of a frozen tower.

    Each adds an MLP with a narrow middle, of every token alone, to the layer's output.
    At the start it adds nothing, so the tower is what it was.

    Args:
        width (int): C, channels of the tower's tokens.
        num_layers (int): Layers of the tower.
        hidden_channels (int): Width of the middle.
    """

    def __init__(self, width: int, num_layers: int, hidden_channels: int = 64) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            FeedForward(width, hidden_channels, 'gelu') for _ in range(num_layers)
        )
        for layer in self.layers:
            nn.init.zeros_(layer.linear_out.weight)

    def after_layer(
        self,
        index: int,
        tokens: Tensor,
        rows: Optional[Tensor],
        context: TowerContext,
    ) -> Tensor:
        return tokens + self.layers[index](tokens).to(tokens.dtype)
