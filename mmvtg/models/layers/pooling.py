"""From many tokens to one, padding left out."""

from typing import Optional

from torch import Tensor, nn


def masked_max(x: Tensor, mask: Optional[Tensor], dim: int) -> Tensor:
    """Maximum over one axis.

    Args:
        x (Tensor): Any shape.
        mask (Tensor, optional): Bool, broadcasts to ``x``; True for what may win.
        dim (int): The axis that vanishes.

    Returns:
        Tensor: ``x`` without ``dim``; -inf where nothing was valid.
    """
    if mask is not None:
        x = x.masked_fill(~mask, float('-inf'))
    return x.max(dim).values


class AttentionPooling(nn.Module):
    """Weighted mean of tokens, weights by softmax of one linear score a token.

    Args:
        channels (int): C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Linear(channels, 1, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Pool.

        Args:
            x (Tensor): (..., L, C).
            mask (Tensor): (..., L) bool, at least one True each.

        Returns:
            Tensor: (..., C).
        """
        score = self.score(x).squeeze(-1).masked_fill(~mask, float('-inf'))
        return (score.softmax(-1).unsqueeze(-2) @ x).squeeze(-2)
