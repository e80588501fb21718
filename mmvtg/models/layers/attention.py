"""The one attention of the toolbox."""

from typing import Optional

import torch.nn.functional as F
from torch import Tensor, nn


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
            mask (Tensor, optional): (B, N) bool, True for keys that may be seen. Each
                sample needs at least one.

        Returns:
            Tensor: (B, Q, C).
        """
        heads = [
            proj(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for proj, x in (
                (self.q_proj, query),
                (self.k_proj, key),
                (self.v_proj, value),
            )
        ]
        output = F.scaled_dot_product_attention(
            *heads,
            attn_mask=None if mask is None else mask[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out_proj(output.transpose(1, 2).flatten(2))
