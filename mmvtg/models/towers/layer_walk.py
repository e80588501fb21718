"""Walks tokens through a tower's layers and calls the hooks on the way."""

from typing import Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmvtg.models.tower_hooks import TowerContext, TowerHook

from .clip_block import run_block


def walk_layers(
    blocks: Sequence[nn.Module],
    tokens: Tensor,
    hooks: Sequence[TowerHook],
    context: TowerContext,
    causal: bool = False,
    recompute: bool = False,
) -> Tensor:
    """All layers of a tower.

    Args:
        blocks (Sequence[nn.Module]): open_clip residual attention blocks.
        tokens (Tensor): (N, tokens, C), embedded.
        hooks (Sequence[TowerHook]): Called in this order at every station.
        context (TowerContext): This pass's notes.
        causal (bool): Causal attention, over however many tokens there are.
        recompute (bool): Keep only the inputs of layers for the backward pass and
            compute each layer again in it. Less memory, a third more time.

    Returns:
        Tensor: (N, tokens, C), the raw residual stream after the last layer.
    """
    recompute = recompute and torch.is_grad_enabled()
    for hook in hooks:
        tokens = hook.before_layers(tokens, context)
    for index, block in enumerate(blocks):
        for hook in hooks:
            tokens = hook.before_layer(index, tokens, context)
        wanted = [hook.attention_rows(index, tokens, context) for hook in hooks]
        if recompute:
            tokens, rows = checkpoint(
                run_block, block, tokens, causal, wanted, use_reentrant=False
            )
        else:
            tokens, rows = run_block(block, tokens, causal, wanted)
        for hook, row in zip(hooks, rows):
            tokens = hook.after_layer(index, tokens, row, context)
    for hook in hooks:
        tokens = hook.after_layers(tokens, context)
    return tokens
