"""What hooks share that put prompts between the class token and the patches."""

from typing import Optional

import torch
from torch import Tensor

from .base import RowRequest, TowerContext, TowerHook


class PromptHook(TowerHook):
    """Base of prompts of a vision tower: the tokens become [class, prompts, patches].

    Prompts enter after the embedding stage, positions and first norm included, and get
    neither. What their attention falls on is kept for others:

    * ``context.scratch['patches']``: slice of the patches among the tokens;
    * ``context.scratch['prompt_attention']``: (N, P) float32, of the last layer: a part
      of the softmax over all tokens, mean over heads and prompts;
    * ``context.outputs['prompt_attention']``: (N, layers, P), of all layers.

    Args:
        keep_attention (bool): Whether it is computed; what is learned of it
            (:class:`AttentionConsistencyLoss`) or chosen by it
            (:class:`TemporalPrompt`) needs it. Only the rows of prompts are.
    """

    num_prompts = 1

    def __init__(self, keep_attention: bool = True) -> None:
        super().__init__()
        self.keep_attention = keep_attention

    def insert(self, tokens: Tensor, prompts: Tensor, context: TowerContext) -> Tensor:
        """(N, 1 + P, C) and prompts (N, M, C) to (N, 1 + M + P, C)."""
        context.scratch['patches'] = slice(
            1 + self.num_prompts, self.num_prompts + tokens.shape[1]
        )
        context.scratch['prompt_maps'] = []
        return torch.cat([tokens[:, :1], prompts.to(tokens.dtype), tokens[:, 1:]], 1)

    def replace(self, tokens: Tensor, prompts: Tensor) -> Tensor:
        """Other prompts (N, M, C) in the place of those that stand there."""
        rest = tokens[:, 1 + self.num_prompts :]
        return torch.cat([tokens[:, :1], prompts.to(tokens.dtype), rest], 1)

    def attention_rows(
        self, index: int, tokens: Tensor, context: TowerContext
    ) -> Optional[RowRequest]:
        if not self.keep_attention:
            return None
        return RowRequest(slice(1, 1 + self.num_prompts), context.scratch['patches'])

    def after_layer(
        self,
        index: int,
        tokens: Tensor,
        rows: Optional[Tensor],
        context: TowerContext,
    ) -> Tensor:
        if rows is not None:
            attention = rows.mean(dim=1)
            context.scratch['prompt_attention'] = attention
            context.scratch['prompt_maps'].append(attention)
        return tokens

    def after_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        maps = context.scratch['prompt_maps']
        if maps:
            context.outputs['prompt_attention'] = torch.stack(maps, dim=1)
        return tokens
