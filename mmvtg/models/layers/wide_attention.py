"""Attention whose heads are each as wide as the model (STALE's temporal embedding)."""

from typing import Optional

from torch import Tensor, nn

from mmvtg.registry import MODELS

from .attention import attend_heads
from .dropout import Dropout


@MODELS.register_module()
class WideAttention(nn.Module):
    """One attention block, residual and LayerNorm; no feed-forward, no positions.

    Each of the heads has all C channels. This is eq. 1 of STALE as its authors wrote
    it; names of parameters are theirs.

    Args:
        channels (int): C.
        num_heads (int): Heads of C channels each.
        attn_dropout (float): Of attention weights, while training.
        dropout (float): Of the output before the residual, while training.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int = 4,
        attn_dropout: float = 0.1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attn_dropout = attn_dropout
        inner = num_heads * channels
        self.w_qs = nn.Linear(channels, inner, bias=False)
        self.w_ks = nn.Linear(channels, inner, bias=False)
        self.w_vs = nn.Linear(channels, inner, bias=False)
        self.fc = nn.Linear(inner, channels)
        for linear in (self.w_qs, self.w_ks, self.w_vs):
            # variance of a head's own map, whatever the number of heads
            nn.init.normal_(linear.weight, std=channels**-0.5)
        nn.init.xavier_normal_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)
        self.dropout = Dropout(dropout)
        self.layer_norm = nn.LayerNorm(channels)

    def forward(
        self, x: Tensor, memory: Optional[Tensor] = None, mask: Optional[Tensor] = None
    ) -> Tensor:
        """Attend from ``x`` to ``memory``.

        Args:
            x (Tensor): (B, Q, C), also the residual.
            memory (Tensor, optional): (B, N, C), keys and values; default is ``x``.
            mask (Tensor, optional): (B, N) bool, True for real keys.

        Returns:
            Tensor: (B, Q, C).
        """
        memory = x if memory is None else memory
        y = attend_heads(
            self.w_qs(x),
            self.w_ks(memory),
            self.w_vs(memory),
            self.num_heads,
            mask,
            self.attn_dropout if self.training else 0.0,
        )
        return self.layer_norm(x + self.dropout(self.fc(y)))
