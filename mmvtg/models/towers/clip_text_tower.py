"""CLIP's text tower over queries."""

from typing import Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from mmvtg.models.tower_hooks import TowerContext
from mmvtg.registry import MODELS
from mmvtg.structures import QueryFeatures

from .clip_tower import CLIPTower, require_plain_tower
from .clip_weights import build_clip
from .layer_walk import walk_layers

_PARTS = ('token_embedding', 'positional_embedding', 'transformer', 'ln_final')


class _TextHalf(nn.Module):
    """The text parts of an open_clip model, under open_clip's own names."""

    def __init__(self, clip: nn.Module, model: str) -> None:
        super().__init__()
        text = getattr(clip, 'text', clip)  # CustomTextCLIP keeps them in `text`
        require_plain_tower(text, model, _PARTS)
        self.token_embedding = text.token_embedding
        self.positional_embedding = text.positional_embedding
        self.transformer = text.transformer
        self.ln_final = text.ln_final
        self.text_projection = getattr(text, 'text_projection', None)
        own = getattr(text, 'pool_type', 'argmax')
        self.pool_type = getattr(clip, 'text_pool_type', own)
        self.eos_id = getattr(clip, 'text_eos_id', getattr(text, 'eos_id', None))
        _refuse_unusual(text, self.pool_type, model)


@MODELS.register_module()
class CLIPTextTower(CLIPTower):
    """The text half of an open_clip model.

    Queries are cut to the longest real one of the batch, which is exact: attention is
    causal, so nothing depends on what follows.

    Args:
        model (str): open_clip's name of the model, or ``tiny-clip``.
        pretrained (str, optional): See :func:`build_clip`. None: random weights.
        frozen (bool): See :class:`CLIPTower`.
        hooks (Sequence[dict], optional): Configs of tower hooks.
        recompute (bool): See :class:`CLIPTower`.
        project_words (bool): Whether ``words`` go through the projection, as ``pooled``
            does. The text features of Moment-DETR's family do not.
        hook_weights (str, optional): See :class:`CLIPTower`.
        frozen_words (bool): Whether token embeddings stay as they are where the tower
            learns (``frozen=False``): words that training never names then keep their
            places, and the optimiser and checkpoints are spared the largest weight of
            the tower.
    """

    role = 'text_tower'

    def __init__(
        self,
        model: str,
        pretrained: Optional[str] = None,
        frozen: bool = True,
        hooks: Optional[Sequence[dict]] = None,
        recompute: bool = False,
        project_words: bool = True,
        hook_weights: Optional[str] = None,
        frozen_words: bool = False,
    ) -> None:
        text = _TextHalf(build_clip(model, pretrained), model)
        source = dict(model=model, pretrained=pretrained)
        still = ['token_embedding.weight'] if frozen_words else []
        super().__init__(text, source, frozen, hooks, recompute, hook_weights, still)
        self.project_words = project_words

    @property
    def context_length(self) -> int:
        """Most tokens a query may have, start and end included."""
        return self.clip.positional_embedding.shape[0]

    @property
    def width(self) -> int:
        """Channels of tokens."""
        return self.clip.positional_embedding.shape[1]

    @property
    def embed_dim(self) -> int:
        """Channels of pooled queries."""
        projection = self.clip.text_projection
        if projection is None:
            return self.width
        weight = getattr(projection, 'weight', None)
        return projection.shape[1] if weight is None else weight.shape[0]

    def forward(
        self,
        query: Tensor,
        query_mask: Tensor,
        inputs: Optional[Dict[str, Tensor]] = None,
        outputs: Optional[Dict[str, Tensor]] = None,
    ) -> QueryFeatures:
        """Encode a padded batch of queries.

        Args:
            query (Tensor): (B, L) int64 token ids, start and end included.
            query_mask (Tensor): (B, L) bool, True for real tokens, which come first.
            inputs (dict, optional): Inputs of hooks, (B, ...) each.
            outputs (dict, optional): Is filled with what hooks hand out.

        Returns:
            QueryFeatures: L' is the longest real length (after hooks): ``mask``
            (B, L'), ``words`` (B, L', embed_dim) final norm and projection (unless
            ``project_words=False``) of every token, ``pooled`` (B, embed_dim) both of
            the end token, not normalised,
            ``layers`` (B, L', width) each if tapped; zero at padding.
        """
        longest = int(query_mask.sum(dim=1).max())
        query, query_mask = query[:, :longest], query_mask[:, :longest]
        words, context = self.encode(query, query_mask, inputs)
        if outputs is not None:
            outputs.update(context.outputs)
        batch = torch.arange(len(words), device=words.device)
        keep = context.mask[..., None]
        pooled = words[batch, context.ends]
        return QueryFeatures(
            mask=context.mask,
            layers=[layer.masked_fill(~keep, 0) for layer in context.layers],
            words=words.masked_fill(~keep, 0),
            pooled=pooled if self.project_words else self._project(pooled),
        )

    def encode(
        self,
        query: Tensor,
        query_mask: Tensor,
        inputs: Optional[Dict[str, Tensor]] = None,
    ) -> Tuple[Tensor, TowerContext]:
        """Encode without trimming and without zeroing the padding.

        Args:
            query (Tensor): (B, L) int64 token ids.
            query_mask (Tensor): (B, L) bool.
            inputs (dict, optional): Inputs of hooks.

        Returns:
            tuple: tokens (B, L', embed_dim), projected if ``project_words``, and the
            context, whose ``mask`` and ``ends`` say which tokens are real and where the
            end token stands.

        Raises:
            ValueError: More tokens than the model has positions.
        """
        clip, inputs = self.clip, inputs or {}
        context = TowerContext(
            num_layers=self.num_layers,
            inputs=inputs,
            mask=query_mask,
            ends=self._find_ends(query, query_mask),
        )
        with self._with_autograd(inputs):
            tokens = clip.token_embedding(query)
            for hook in self.hooks:
                tokens = hook.embed(tokens, context)
            length = tokens.shape[1]
            if length > self.context_length:
                raise ValueError(
                    f'{length} tokens (hooks included), and {self.source["model"]} has '
                    f'{self.context_length} positions: shorten the queries '
                    '(TokenizeQuery.context_length) or insert fewer tokens'
                )
            tokens = tokens + clip.positional_embedding[:length]
            tokens = walk_layers(
                self.blocks,
                tokens,
                self.hooks,
                context,
                causal=True,
                recompute=self.recompute,
            )
            words = clip.ln_final(tokens)
            if self.project_words:
                words = self._project(words)
        return words, context

    def _find_ends(self, query: Tensor, mask: Tensor) -> Tensor:
        """Where the end token stands, by the model's own rule: (B,) int64."""
        if self.clip.pool_type == 'eos':
            return ((query == self.clip.eos_id) & mask).int().argmax(dim=-1)
        return query.masked_fill(~mask, -1).argmax(dim=-1)  # the end has the largest id

    def _project(self, tokens: Tensor) -> Tensor:
        projection = self.clip.text_projection
        if projection is None:
            return tokens
        if isinstance(projection, nn.Module):
            return projection(tokens)
        return tokens @ projection


def _refuse_unusual(text: nn.Module, pool_type: str, model: str) -> None:
    if pool_type not in ('argmax', 'eos'):
        raise ValueError(
            f'{model}: its text tower is read at {pool_type!r}, not at the end token'
        )
    if getattr(text, 'attn_mask', None) is None:
        raise ValueError(f'{model}: its text tower is not causal')
    if getattr(text, 'cls_emb', None) is not None:
        raise ValueError(f'{model}: its text tower has a class token (CoCa)')
