"""The one transformer layer of the toolbox."""

from typing import Callable, Optional, Sequence

from timm.layers import DropPath
from torch import Tensor, nn

from .attention import MultiheadAttention
from .dropout import Dropout
from .mlp import FeedForward

_SUBLAYERS = ('cross_attn', 'self_attn', 'ffn')

#: What encoders and decoders of DETR-like methods take, where a config says nothing.
DETR_LAYER = dict(num_heads=8, ffn_channels=1024, dropout=0.1)


class TransformerLayer(nn.Module):
    """Attention and feed-forward sublayers in any order, each a residual branch.

    The positional code is added to queries and keys of an attention, never to values.

    Args:
        channels (int): C.
        num_heads (int): Of both attentions.
        ffn_channels (int): Hidden width of the feed-forward sublayer.
        order (Sequence[str]): Which sublayers there are and in which order, of
            ``cross_attn``, ``self_attn``, ``ffn``.
        pre_norm (bool): Normalise the input of each branch instead of each sum.
        activation (str): Of the feed-forward sublayer.
        dropout (float): Of attention weights, feed-forward units and branch outputs.
        drop_path (float): Chance to skip a branch for a sample, while training.

    Raises:
        ValueError: If ``order`` names an unknown sublayer, or one twice.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int,
        ffn_channels: int,
        order: Sequence[str] = ('self_attn', 'cross_attn', 'ffn'),
        pre_norm: bool = False,
        activation: str = 'relu',
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        if not set(order) <= set(_SUBLAYERS) or len(set(order)) != len(order):
            raise ValueError(f'order is {order}, want some of {_SUBLAYERS}, each once')
        self.order = tuple(order)
        self.pre_norm = pre_norm
        for name in self.order:
            if name == 'ffn':
                layer = FeedForward(channels, ffn_channels, activation, dropout)
            else:
                layer = MultiheadAttention(channels, num_heads, dropout)
            self.add_module(name, layer)
            self.add_module(f'{name}_norm', nn.LayerNorm(channels))
        self.dropout = Dropout(dropout)
        self.drop_path = DropPath(drop_path)

    def forward(
        self,
        x: Tensor,
        memory: Optional[Tensor] = None,
        mask: Optional[Tensor] = None,
        memory_mask: Optional[Tensor] = None,
        position: Optional[Tensor] = None,
        memory_position: Optional[Tensor] = None,
    ) -> Tensor:
        """Run the sublayers.

        Args:
            x (Tensor): (B, N, C).
            memory (Tensor, optional): (B, M, C), what cross-attention looks at.
            mask (Tensor, optional): (B, N) bool, True for real tokens of ``x``.
            memory_mask (Tensor, optional): (B, M) bool, or (B, heads, N, M).
            position (Tensor, optional): (B, N, C), code of ``x``.
            memory_position (Tensor, optional): (B, M, C), code of ``memory``.

        Returns:
            Tensor: (B, N, C).
        """

        def add(tokens: Tensor, code: Optional[Tensor]) -> Tensor:
            return tokens if code is None else tokens + code

        def cross_attn(y: Tensor) -> Tensor:
            key = add(memory, memory_position)
            return self.cross_attn(add(y, position), key, memory, memory_mask)

        def self_attn(y: Tensor) -> Tensor:
            query = add(y, position)
            return self.self_attn(query, query, y, mask)

        branches = dict(cross_attn=cross_attn, self_attn=self_attn)
        for name in self.order:
            branch = branches.get(name) or self.ffn
            x = self._residual(x, branch, getattr(self, f'{name}_norm'))
        return x

    def _residual(
        self, x: Tensor, branch: Callable[[Tensor], Tensor], norm: nn.LayerNorm
    ) -> Tensor:
        y = self.dropout(branch(norm(x) if self.pre_norm else x))
        x = x + self.drop_path(y)
        return x if self.pre_norm else norm(x)


class TransformerEncoder(nn.Module):
    """Self-attention layers, one after the other.

    Args:
        channels (int): C.
        num_layers (int): Layers; none is the identity.
        **layer: Of :class:`TransformerLayer`.
    """

    def __init__(self, channels: int, num_layers: int, **layer) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerLayer(channels, order=('self_attn', 'ffn'), **layer)
            for _ in range(num_layers)
        )
        xavier_init_(self)

    def forward(
        self, x: Tensor, mask: Tensor, position: Optional[Tensor] = None
    ) -> Tensor:
        """Encode ``x`` (B, N, C) with ``mask`` (B, N) and ``position`` (B, N, C)."""
        for layer in self.layers:
            x = layer(x, mask=mask, position=position)
        return x


def xavier_init_(module: nn.Module) -> None:
    """Draw all matrices from Xavier's uniform distribution, as DETR does.

    Queries, keys and values are drawn as the one matrix of three times the height that
    they are in torch's own attention.
    """
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            packed = name.endswith(('q_proj.weight', 'k_proj.weight', 'v_proj.weight'))
            nn.init.xavier_uniform_(parameter, gain=0.5**0.5 if packed else 1.0)
