"""Plain and dilated convolutions over time."""

from typing import Optional

from torch import Tensor, nn

from mmvtg.registry import MODELS


@MODELS.register_module()
class TemporalConvs(nn.Module):
    """Convolutions over time with ReLU, in the place of attention (STALE, table 6).

    Args:
        channels (int): C.
        num_layers (int): Convolutions.
        kernel_size (int): Odd.
        dilated (bool): Layer n has dilation 2^n and a residual, as a stage of MS-TCN.
    """

    def __init__(
        self,
        channels: int,
        num_layers: int = 2,
        kernel_size: int = 3,
        dilated: bool = False,
    ) -> None:
        super().__init__()
        self.dilated = dilated
        dilations = [2**n if dilated else 1 for n in range(num_layers)]
        self.convs = nn.ModuleList(
            nn.Conv1d(
                channels,
                channels,
                kernel_size,
                padding=kernel_size // 2 * dilation,
                dilation=dilation,
            )
            for dilation in dilations
        )

    def forward(
        self, x: Tensor, memory: Optional[Tensor] = None, mask: Optional[Tensor] = None
    ) -> Tensor:
        """(B, T, C) to (B, T, C); ``mask`` (B, T) bool, ``memory`` is not read."""
        for conv in self.convs:
            real = x if mask is None else x.masked_fill(~mask.unsqueeze(-1), 0)
            y = conv(real.transpose(1, 2)).transpose(1, 2).relu()
            x = x + y if self.dilated else y
        return x
