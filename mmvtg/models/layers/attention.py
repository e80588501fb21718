"""The one attention of the toolbox."""

from typing import Optional

import torch.nn.functional as F
from torch import Tensor, nn


def attend_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    num_heads: int,
    mask: Optional[Tensor] = None,
    dropout: float = 0.0,
) -> Tensor:
    """Scaled dot-product attention with several heads and no projection.

    Args:
        query (Tensor): (B, Q, D), head after head along D.
        key (Tensor): (B, N, D).
        value (Tensor): (B, N, C), C may differ from D.
        num_heads (int): H.
        mask (Tensor, optional): (B, N) bool, True for keys that may be seen, or
            (B, H, Q, N). Each query needs at least one.
        dropout (float): Of attention weights.

    Returns:
        Tensor: (B, Q, C).
    """
    heads = [
        x.unflatten(-1, (num_heads, -1)).transpose(1, 2) for x in (query, key, value)
    ]
    if mask is not None and mask.dim() == 2:
        mask = mask[:, None, None, :]
    output = F.scaled_dot_product_attention(*heads, attn_mask=mask, dropout_p=dropout)
    return output.transpose(1, 2).flatten(2)


class MultiheadAttention(nn.Module):
    """Scaled dot-product attention with four projections.

    Queries, keys and values have their own inputs, so that a positional code can go to
    queries and keys without touching the values.

    Args:
        channels (int): C, a multiple of ``num_heads``.
        num_heads (int): Heads of C / num_heads channels each.
        dropout (float): Of attention weights while training.

    Raises:
        ValueError: If the channels do not divide among the heads.
    """

    def __init__(self, channels: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(
                f'channels = {channels} is no multiple of num_heads = {num_heads}'
            )
        self.num_heads = num_heads
        self.dropout = dropout
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.out_proj = nn.Linear(channels, channels)
        for proj in (self.q_proj, self.k_proj, self.v_proj, self.out_proj):
            nn.init.xavier_uniform_(proj.weight)
            nn.init.zeros_(proj.bias)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Optional[Tensor] = None
    ) -> Tensor:
        """Attend from queries to keys.

        Args:
            query (Tensor): (B, Q, C).
            key (Tensor): (B, N, C).
            value (Tensor): (B, N, C).
            mask (Tensor, optional): (B, N) bool, True for keys that may be seen, or
                (B, H, Q, N). Each query needs at least one.

        Returns:
            Tensor: (B, Q, C).
        """
        output = attend_heads(
            self.q_proj(query),
            self.k_proj(key),
            self.v_proj(value),
            self.num_heads,
            mask,
            self.dropout if self.training else 0.0,
        )
        return self.out_proj(output)
