"""Layers that treat every token alone."""

from open_clip.transformer import QuickGELU
from torch import Tensor, nn

from .dropout import Dropout

_ACTIVATIONS = {
    'relu': nn.ReLU,
    'gelu': nn.GELU,
    'prelu': nn.PReLU,
    'quick_gelu': QuickGELU,
}


class FeedForward(nn.Module):
    """Linear, activation, linear: the last part of a transformer layer.

    Args:
        channels (int): C.
        hidden_channels (int): Width between the two linears.
        activation (str): ``relu``, ``gelu``, ``prelu`` (one slope a layer) or
            ``quick_gelu`` (OpenAI's CLIP).
        dropout (float): After the activation, while training.

    Raises:
        ValueError: If the activation is unknown.
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int,
        activation: str = 'relu',
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(
                f'activation is {activation!r}, want one of {sorted(_ACTIVATIONS)}'
            )
        self.linear_in = nn.Linear(channels, hidden_channels)
        self.activation = _ACTIVATIONS[activation]()
        self.dropout = Dropout(dropout)
        self.linear_out = nn.Linear(hidden_channels, channels)
        for linear in (self.linear_in, self.linear_out):
            nn.init.kaiming_normal_(linear.weight, mode='fan_out', nonlinearity='relu')
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, C) to (B, N, C)."""
        return self.linear_out(self.dropout(self.activation(self.linear_in(x))))


class TokenMLP(nn.Module):
    """Brings tokens of a frozen tower into a model's space (R2-Tuning eq. 2, 3).

    LayerNorm, dropout, linear, ReLU, LayerNorm, dropout, linear.

    Args:
        in_channels (int): Width of the tower's tokens.
        channels (int): C, width of the model.
        dropout (float): Both dropouts.
    """

    def __init__(self, in_channels: int, channels: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.norm_in = nn.LayerNorm(in_channels)
        self.linear_in = nn.Linear(in_channels, channels)
        self.norm_out = nn.LayerNorm(channels)
        self.linear_out = nn.Linear(channels, channels)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_channels) to (..., C)."""
        x = self.linear_in(self.dropout(self.norm_in(x))).relu()
        return self.linear_out(self.dropout(self.norm_out(x)))


class MLP(nn.Module):
    """Linears with ReLU between.

    Args:
        in_channels (int): Width of the input.
        channels (int): Width between the linears.
        out_channels (int): Width of the output.
        num_layers (int): Linears.
    """

    def __init__(
        self, in_channels: int, channels: int, out_channels: int, num_layers: int
    ) -> None:
        super().__init__()
        widths = [in_channels, *[channels] * (num_layers - 1), out_channels]
        self.layers = nn.ModuleList(map(nn.Linear, widths, widths[1:]))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_channels) to (..., out_channels)."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)
