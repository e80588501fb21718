"""One layer of an open_clip tower, with chosen rows of its attention on demand.

Only attributes that every open_clip generation shares are used: ``ln_1``, ``attn``
(``in_proj_weight``, ``in_proj_bias``, ``out_proj``, ``num_heads``), ``ls_1``, ``ln_2``,
``mlp``, ``ls_2``. Two ways lead to the same numbers:

* *fused*: the block is computed here from its parameters, by one projection and SDPA,
  and rows cost one small product more. For the plain attention.
* *call and row*: the block is called as it is and rows are computed beside it. For
  every block whose attention has something extra (norms of queries and keys, scaled
  heads, ...).
"""

from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvtg.models.tower_hooks import RowRequest

# Parts that open_clip's own Attention may have beyond the plain one. Absent, None and
# Identity all mean "not in use".
_EXTRAS = ('ln_q', 'ln_k', 'q_norm', 'k_norm', 'logit_scale', 'head_scale', 'ln_inner')
_PLAIN_BLOCKS = ('ResidualAttentionBlock', 'CustomResidualAttentionBlock')


def run_block(
    block: nn.Module,
    tokens: Tensor,
    causal: bool,
    requests: Sequence[Optional[RowRequest]],
) -> Tuple[Tensor, List[Optional[Tensor]]]:
    """Run one layer.

    Args:
        block (nn.Module): An open_clip residual attention block.
        tokens (Tensor): (N, tokens, C).
        causal (bool): Whether a token may only look at itself and those before it.
        requests (Sequence[RowRequest | None]): Rows of attention that are wanted.

    Returns:
        tuple: the tokens (N, tokens, C) and, for each request, its rows (or None).
    """
    if is_plain(block):
        return _run_fused(block, tokens, causal, requests)
    return _run_called(block, tokens, causal, requests)


def is_plain(block: nn.Module) -> bool:
    """Whether the fused way gives this block's own numbers."""
    attn = block.attn
    if type(block).__name__ not in _PLAIN_BLOCKS or _in_use(block, 'ln_attn'):
        return False
    if hasattr(block, 'ln_1_kv') or getattr(attn, 'in_proj_weight', None) is None:
        return False
    if isinstance(attn, nn.MultiheadAttention):
        dropout = attn.dropout
        if attn.bias_k is not None or attn.add_zero_attn:
            return False
    else:
        drops = (getattr(attn, name, None) for name in ('attn_drop', 'out_drop'))
        dropout = max(getattr(drop, 'p', 0.0) or 0.0 for drop in drops)
    if dropout > 0 and attn.training:
        return False
    return not any(_in_use(attn, name) for name in _EXTRAS)


def _in_use(module: nn.Module, name: str) -> bool:
    part = getattr(module, name, None)
    return part is not None and not isinstance(part, nn.Identity)


def _run_fused(block, tokens, causal, requests):
    attn = block.attn
    projected = F.linear(block.ln_1(tokens), attn.in_proj_weight, attn.in_proj_bias)
    q, k, v = (_split_heads(x, attn.num_heads) for x in projected.chunk(3, dim=-1))
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    mixed = attn.out_proj(mixed.transpose(1, 2).flatten(2))
    out = tokens + block.ls_1(mixed)
    out = out + block.ls_2(block.mlp(block.ln_2(out)))
    return out, [_attention_rows(q, k, causal, request) for request in requests]


def _run_called(block, tokens, causal, requests):
    mask = causal_mask(tokens) if causal else None
    if getattr(block.attn, 'batch_first', True):
        out = block(tokens, attn_mask=mask)
    else:
        out = block(tokens.transpose(0, 1), attn_mask=mask).transpose(0, 1)
    if all(request is None for request in requests):
        return out, [None] * len(requests)
    q, k = _queries_and_keys(block, tokens)
    return out, [_attention_rows(q, k, causal, request) for request in requests]


def _queries_and_keys(block: nn.Module, tokens: Tensor) -> Tuple[Tensor, Tensor]:
    attn = block.attn
    if _in_use(attn, 'logit_scale'):
        raise NotImplementedError(
            f'{type(block).__name__} uses scaled cosine attention, whose rows cannot '
            'be read; take a CLIP model without it, or hooks that ask for no rows'
        )
    width = tokens.shape[-1]
    weight, bias = attn.in_proj_weight[: 2 * width], attn.in_proj_bias
    bias = None if bias is None else bias[: 2 * width]
    projected = F.linear(block.ln_1(tokens), weight, bias)
    q, k = (_split_heads(x, attn.num_heads) for x in projected.chunk(2, dim=-1))
    for name in ('ln_q', 'q_norm'):
        q = getattr(attn, name)(q) if _in_use(attn, name) else q
    for name in ('ln_k', 'k_norm'):
        k = getattr(attn, name)(k) if _in_use(attn, name) else k
    return q, k


def _split_heads(x: Tensor, num_heads: int) -> Tensor:
    """(N, tokens, C) -> (N, heads, tokens, C / heads)."""
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def _attention_rows(
    q: Tensor, k: Tensor, causal: bool, request: Optional[RowRequest]
) -> Optional[Tensor]:
    """Softmax over all keys for the chosen queries, in float32."""
    if request is None:
        return None
    request = RowRequest(*request)
    positions = torch.arange(q.shape[2], device=q.device)
    rows = positions[request.query].reshape(-1)
    with torch.autocast(q.device.type, enabled=False):
        # at least float32: half precision would decide near-ties by chance
        dtype = torch.promote_types(q.dtype, torch.float32)
        chosen = q[:, :, rows].to(dtype) * q.shape[-1] ** -0.5
        logits = chosen @ k.to(dtype).transpose(-1, -2)
        if causal:
            logits = logits.masked_fill(positions > rows[:, None], float('-inf'))
        attention = logits.softmax(dim=-1)
    attention = attention if request.per_head else attention.mean(dim=1)
    attention = attention[..., request.keys]
    return attention.squeeze(-2) if isinstance(request.query, int) else attention


def causal_mask(tokens: Tensor) -> Tensor:
    """Additive mask for (N, tokens, C): -inf above the diagonal, 0 elsewhere."""
    length = tokens.shape[1]
    mask = torch.full((length, length), float('-inf'), device=tokens.device)
    return mask.triu(1).to(tokens.dtype)
