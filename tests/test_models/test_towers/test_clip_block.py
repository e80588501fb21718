"""Both ways through a block agree with a literal one, for every kind of block."""

import pytest
import torch
from open_clip.transformer import CustomResidualAttentionBlock, ResidualAttentionBlock

from mmvtg.models.tower_hooks import RowRequest
from mmvtg.models.towers import clip_block
from mmvtg.models.towers.clip_block import causal_mask, is_plain, run_block

REQUESTS = [
    RowRequest(1, slice(2, 6)),
    None,
    RowRequest(slice(0, 3)),
    RowRequest(-1, slice(None), per_head=True),
]


def make(kind):
    torch.manual_seed(3)
    if kind == 'multihead':
        block = ResidualAttentionBlock(16, 4)
    elif kind == 'sequence first':
        block = ResidualAttentionBlock(16, 4, batch_first=False)
    elif kind == 'own attention':
        block = CustomResidualAttentionBlock(16, 4, ls_init_value=0.3)
    elif kind == 'normed':
        block = CustomResidualAttentionBlock(16, 4, qk_norm=True)
    elif kind == 'scaled':
        block = CustomResidualAttentionBlock(
            16, 4, scale_heads=True, scale_attn=True, scale_attn_inner=True
        )
    for parameter in block.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return block.eval()


def literal_attention(block, tokens, causal):
    """(N, heads, queries, keys), head by head and query by query."""
    attn, width, heads = block.attn, tokens.shape[-1], block.attn.num_heads
    projected = block.ln_1(tokens) @ attn.in_proj_weight.T + attn.in_proj_bias
    out = torch.zeros(len(tokens), heads, tokens.shape[1], tokens.shape[1])
    size = width // heads
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        q, k = projected[..., :width][..., part], projected[..., width:][..., part]
        for norm, name in ((q, 'ln_q'), (k, 'ln_k')):
            if hasattr(attn, name):
                norm.copy_(getattr(attn, name)(norm.clone()))
        for n in range(len(tokens)):
            for i in range(tokens.shape[1]):
                end = i + 1 if causal else tokens.shape[1]
                logits = (k[n, :end] @ q[n, i]) / size**0.5
                out[n, head, i, :end] = logits.softmax(0)
    return out


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('fused', [True, False])
@pytest.mark.parametrize(
    'kind', ['multihead', 'sequence first', 'own attention', 'normed', 'scaled']
)
@torch.no_grad()
def test_block_and_rows(kind, fused, causal, monkeypatch):
    block, tokens = make(kind), torch.randn(3, 7, 16)
    assert is_plain(block) == (kind not in ('normed', 'scaled'))
    if not fused:
        monkeypatch.setattr(clip_block, 'is_plain', lambda block: False)
    mask = causal_mask(tokens) if causal else None
    if kind == 'sequence first':
        expected = block(tokens.transpose(0, 1), attn_mask=mask).transpose(0, 1)
    else:
        expected = block(tokens, attn_mask=mask)
    out, rows = run_block(block, tokens, causal, REQUESTS)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    attention = literal_attention(block, tokens, causal)
    mean = attention.mean(1)
    wanted = [mean[:, 1, 2:6], None, mean[:, :3], attention[:, :, -1]]
    for row, reference in zip(rows, wanted):
        if reference is None:
            assert row is None
        else:
            torch.testing.assert_close(row, reference, rtol=1e-5, atol=1e-6)


def test_rows_are_float32_under_autocast():
    block, tokens = make('multihead'), torch.randn(1, 7, 16)
    with torch.autocast('cpu', dtype=torch.bfloat16), torch.no_grad():
        _, rows = run_block(block, tokens, False, [RowRequest(0)])
    assert rows[0].dtype == torch.float32
    assert torch.allclose(rows[0].sum(-1), torch.ones(1), atol=1e-6)


def test_rows_have_gradients():
    block, tokens = make('multihead'), torch.randn(1, 7, 16, requires_grad=True)
    _, rows = run_block(block, tokens, False, [RowRequest(1, slice(2, 6))])
    rows[0].square().sum().backward()
    assert tokens.grad.abs().sum() > 0


def test_cosine_attention_has_no_rows():
    block = CustomResidualAttentionBlock(16, 4, scale_cosine_attn=True)
    with pytest.raises(NotImplementedError, match='cosine'):
        clip_block._queries_and_keys(block, torch.randn(1, 7, 16))
