"""Convolutions over time that know which clips are real."""

from typing import Optional

from torch import Tensor, nn


class DownsampleConv(nn.Module):
    """Halves the length: convolution of width and stride 2, LayerNorm, ReLU.

    Output n sees inputs 2n and 2n + 1 only; an odd last input is dropped.

    Args:
        channels (int): C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, kernel_size=2, stride=2)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T // 2, C)."""
        return self.norm(self.conv(x.transpose(1, 2)).transpose(1, 2)).relu()


class ConvHead(nn.Module):
    """Convolutions of width 3 with a ReLU between: a value per clip.

    Args:
        channels (int): C.
        out_channels (int): Values per clip.
        num_convs (int): Convolutions, at least 2.
    """

    def __init__(self, channels: int, out_channels: int, num_convs: int = 2) -> None:
        super().__init__()
        self.conv_in = nn.Conv1d(channels, channels, kernel_size=3, padding=1)
        self.conv_mid = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel_size=3, padding=1)
            for _ in range(num_convs - 2)
        )
        self.conv_out = nn.Conv1d(channels, out_channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        """Score clips.

        Args:
            x (Tensor): (B, T, C).
            mask (Tensor, optional): (B, T) bool. What is False counts as zero before
                each convolution, so padding equals the border of a shorter input.

        Returns:
            Tensor: (B, T, out_channels).
        """

        def real(y: Tensor) -> Tensor:
            return y if mask is None else y.masked_fill(~mask.unsqueeze(1), 0)

        x = self.conv_in(real(x.transpose(1, 2))).relu()
        for conv in self.conv_mid:
            x = conv(real(x)).relu()
        return self.conv_out(real(x)).transpose(1, 2)
