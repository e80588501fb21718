"""DistilBERT over queries, the text encoder of MMN."""

from typing import Optional

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.registry import MODELS
from mmvtg.structures import QueryFeatures

from .clip_weights import read_state_dict


class _Embeddings(nn.Module):
    def __init__(self, vocab_size: int, max_tokens: int, channels: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, channels, padding_idx=0)
        self.position_embeddings = nn.Embedding(max_tokens, channels)
        self.LayerNorm = nn.LayerNorm(channels, eps=1e-12)

    def forward(self, ids: Tensor) -> Tensor:
        places = self.position_embeddings.weight[: ids.size(1)]
        return self.LayerNorm(self.word_embeddings(ids) + places)


class _Attention(nn.Module):
    def __init__(self, channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        for name in ('q_lin', 'k_lin', 'v_lin', 'out_lin'):
            setattr(self, name, nn.Linear(channels, channels))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (
            lin(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for lin in (self.q_lin, self.k_lin, self.v_lin)
        )
        dropout = self.dropout if self.training else 0.0
        out = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask[:, None, None], dropout_p=dropout
        )
        return self.out_lin(out.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    def __init__(self, channels: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.lin1 = nn.Linear(channels, hidden)
        self.lin2 = nn.Linear(hidden, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.lin2(F.gelu(self.lin1(x))))


class _Block(nn.Module):
    """Attention and feed-forward, each with its norm behind the sum."""

    def __init__(
        self, channels: int, num_heads: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.attention = _Attention(channels, num_heads, dropout)
        self.sa_layer_norm = nn.LayerNorm(channels, eps=1e-12)
        self.ffn = _FeedForward(channels, hidden, dropout)
        self.output_layer_norm = nn.LayerNorm(channels, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.sa_layer_norm(self.attention(x, mask) + x)
        return self.output_layer_norm(self.ffn(x) + x)


@MODELS.register_module()
class DistilBertTower(BaseModule):
    """DistilBERT (Sanh et al., 2019) over WordPiece tokens, for MMN's neck.

    Its parameters have Hugging Face's names under ``bert.``, which are those of
    checkpoints of MMN's authors. Tokens come from :class:`TokenizeWordPiece`.

    Args:
        channels (int): C.
        num_layers (int): Layers.
        num_heads (int): Of each.
        hidden_channels (int): Inside of the feed-forward parts.
        vocab_size (int): Tokens there are.
        max_tokens (int): Longest query.
        dropout (float): Everywhere.
        frozen (bool): Whether it stays as it is; then it runs without dropout.
        pretrained (str, optional): File of Hugging Face's weights, such as
            ``model.safetensors`` of distilbert-base-uncased; what is for its
            pretraining (``vocab_*``) is left aside. None: random weights.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The weights are of something else, or of another size.
    """

    def __init__(
        self,
        channels: int = 768,
        num_layers: int = 6,
        num_heads: int = 12,
        hidden_channels: int = 3072,
        vocab_size: int = 30522,
        max_tokens: int = 512,
        dropout: float = 0.1,
        frozen: bool = False,
        pretrained: Optional[str] = None,
    ) -> None:
        super().__init__()
        self.frozen = frozen
        self.bert = nn.Module()
        self.bert.embeddings = _Embeddings(vocab_size, max_tokens, channels)
        self.bert.transformer = nn.Module()
        self.bert.transformer.layer = nn.ModuleList(
            _Block(channels, num_heads, hidden_channels, dropout)
            for _ in range(num_layers)
        )
        self.dropout = nn.Dropout(dropout)
        for module in self.modules():  # as DistilBERT starts
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        if pretrained is not None:
            self._load(pretrained)
        if frozen:
            self.requires_grad_(False).eval()

    def _load(self, path: str) -> None:
        state = {
            key.removeprefix('distilbert.'): value
            for key, value in read_state_dict(path).items()
            if not key.startswith('vocab_')
        }
        try:
            self.bert.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f'{path} has not the weights of a DistilBERT of this size: {error}'
            ) from error

    def init_weights(self) -> None:
        """Nothing: weights are made, or read, when the tower is built."""

    def train(self, mode: bool = True) -> 'DistilBertTower':
        return super().train(mode and not self.frozen)

    def forward(self, query: Tensor, query_mask: Tensor) -> QueryFeatures:
        """Encode a padded batch of queries.

        Args:
            query (Tensor): (B, L) int64 token ids, [CLS] and [SEP] included.
            query_mask (Tensor): (B, L) bool, True for real tokens, which come first.

        Returns:
            QueryFeatures: ``words`` (B, L', C) of every token, zero at padding, with
            ``mask`` (B, L'); L' is the longest real length. There is no ``pooled``:
            MMN takes the mean over all tokens, and its neck makes it.

        Raises:
            ValueError: More tokens than the model has positions.
        """
        longest = int(query_mask.sum(dim=1).max())
        query, mask = query[:, :longest], query_mask[:, :longest]
        most = self.bert.embeddings.position_embeddings.num_embeddings
        if longest > most:
            raise ValueError(
                f'{longest} tokens, and DistilBERT has {most} positions: shorten the '
                'queries (TokenizeWordPiece.max_tokens)'
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            words = self.dropout(self.bert.embeddings(query))
            for block in self.bert.transformer.layer:
                words = block(words, mask)
        return QueryFeatures(mask=mask, words=words.masked_fill(~mask[..., None], 0))
