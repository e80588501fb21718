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
        dilated (bool): Layer n has dilation 2^n, a second convolution of single clips
            behind the ReLU, and a residual, as in a stage of MS-TCN. Behind the last
            one clips are normalised, as they are behind attention: what residuals add
            up is too large for a head that multiplies it with itself.
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
        self.mixes = nn.ModuleList(
            nn.Conv1d(channels, channels, 1) for _ in range(num_layers * dilated)
        )
        self.norm = nn.LayerNorm(channels) if dilated else nn.Identity()

    def forward(
        self, x: Tensor, memory: Optional[Tensor] = None, mask: Optional[Tensor] = None
    ) -> Tensor:
        """(B, T, C) to (B, T, C); ``mask`` (B, T) bool, ``memory`` is not read."""
        for index, conv in enumerate(self.convs):
            real = x if mask is None else x.masked_fill(~mask.unsqueeze(-1), 0)
            y = conv(real.transpose(1, 2)).relu()
            if self.dilated:
                x = x + self.mixes[index](y).transpose(1, 2)
            else:
                x = y.transpose(1, 2)
        return self.norm(x)
