"""Attention, transformer layer, position code, pooling, convolutions."""

import math

import pytest
import torch

from mmvtg.models.layers import (
    AttentionPooling,
    ConvHead,
    DownsampleConv,
    FeedForward,
    MultiheadAttention,
    TransformerLayer,
    masked_max,
    sine_grid,
    sine_position,
)
from mmvtg.models.layers.position import WordPosition


def test_attention_is_softmax_of_scaled_products():
    torch.manual_seed(0)
    attn = MultiheadAttention(8, 2)
    query, key, value = torch.randn(1, 3, 8), torch.randn(1, 5, 8), torch.randn(1, 5, 8)
    mask = torch.tensor([[True, True, False, True, False]])
    q, k, v = attn.q_proj(query)[0], attn.k_proj(key)[0], attn.v_proj(value)[0]
    rows = []
    for i in range(3):
        heads = []
        for head in (slice(0, 4), slice(4, 8)):
            valid = [n for n in range(5) if mask[0, n]]
            scores = torch.stack([q[i, head] @ k[n, head] / 2 for n in valid])
            weights = scores.softmax(0)
            heads.append(sum(w * v[n, head] for w, n in zip(weights, valid)))
        rows.append(attn.out_proj(torch.cat(heads)))
    out = attn(query, key, value, mask)
    assert torch.allclose(out[0], torch.stack(rows), atol=1e-6)


def test_attention_channels_must_divide():
    with pytest.raises(ValueError, match='no multiple'):
        MultiheadAttention(10, 4)


@pytest.mark.parametrize('pre_norm', [False, True])
def test_transformer_layer_follows_its_order(pre_norm):
    torch.manual_seed(0)
    layer = TransformerLayer(
        8, 2, 16, order=('self_attn', 'cross_attn', 'ffn'), pre_norm=pre_norm
    )
    x, memory, code = torch.randn(2, 3, 8), torch.randn(2, 4, 8), torch.randn(2, 3, 8)
    branches = [
        (lambda y: layer.self_attn(y + code, y + code, y), layer.self_attn_norm),
        (lambda y: layer.cross_attn(y + code, memory, memory), layer.cross_attn_norm),
        (layer.ffn, layer.ffn_norm),
    ]
    y = x
    for branch, norm in branches:
        y = y + branch(norm(y)) if pre_norm else norm(y + branch(y))
    assert torch.allclose(layer(x, memory, position=code), y, atol=1e-6)


def test_transformer_layer_ignores_masked_tokens():
    torch.manual_seed(0)
    layer = TransformerLayer(8, 2, 16)
    x, memory = torch.randn(1, 4, 8), torch.randn(1, 5, 8)
    mask = torch.tensor([[True, True, True, False]])
    memory_mask = torch.tensor([[True, True, False, False, False]])
    short = layer(x[:, :3], memory[:, :2])
    assert torch.allclose(layer(x, memory, mask, memory_mask)[:, :3], short, atol=1e-6)


def test_transformer_encoder_layer_has_no_cross_attention():
    layer = TransformerLayer(8, 2, 16, order=('self_attn', 'ffn'))
    assert not any('cross' in key for key in layer.state_dict())
    assert layer(torch.randn(1, 3, 8)).shape == (1, 3, 8)


@pytest.mark.parametrize('order', [('ffn', 'ffn'), ('attn',)])
def test_transformer_layer_refuses_unknown_orders(order):
    with pytest.raises(ValueError, match='order'):
        TransformerLayer(8, 2, 16, order=order)


def test_drop_path_works_only_in_training():
    torch.manual_seed(0)
    layer = TransformerLayer(8, 2, 16, order=('ffn',), drop_path=0.5)
    x = torch.randn(1, 2, 8).expand(64, -1, -1)
    rows = layer(x).detach()
    skipped = [torch.allclose(row, layer.ffn_norm(x[0]), atol=1e-6) for row in rows]
    assert 10 < sum(skipped) < 54
    assert torch.equal(*layer.eval()(x[:2]))


def test_unknown_activation_is_refused():
    with pytest.raises(ValueError, match='swish'):
        FeedForward(4, 8, activation='swish')


def test_sine_position_by_hand_and_by_true_length():
    code = sine_position(torch.tensor([4, 6]), 6, 6)
    for b, length in enumerate((4, 6)):
        for t in range(length):
            for c in range(0, 6, 2):
                angle = 2 * math.pi * (t + 1) / length / 10000 ** (c / 6)
                assert code[b, t, c].item() == pytest.approx(math.sin(angle), abs=1e-5)
                assert code[b, t, c + 1].item() == pytest.approx(
                    math.cos(angle), abs=1e-5
                )
    assert torch.equal(sine_position(torch.tensor([4]), 4, 6)[0], code[0, :4])
    with pytest.raises(ValueError, match='even'):
        sine_position(torch.tensor([4]), 4, 5)


def test_pooling_leaves_padding_out():
    torch.manual_seed(0)
    pool = AttentionPooling(4)
    x, mask = torch.randn(2, 5, 4), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    pooled = pool(x, mask)
    for row, n, out in zip(x, (5, 3), pooled):
        weights = pool.score(row[:n]).softmax(0)
        assert torch.allclose(out, (weights * row[:n]).sum(0), atol=1e-6)
    best = masked_max(x, mask[..., None], dim=1)
    assert torch.equal(best[1], x[1, :3].max(0).values)
    assert torch.equal(masked_max(x, None, dim=1)[1], x[1].max(0).values)


def test_conv_head_treats_padding_as_the_border():
    torch.manual_seed(0)
    head = ConvHead(4, 2)
    x = torch.randn(1, 7, 4)
    mask = torch.arange(7)[None] < 5
    assert torch.allclose(head(x, mask)[:, :5], head(x[:, :5]), atol=1e-6)
    assert not torch.allclose(head(x)[:, :5], head(x[:, :5]), atol=1e-3)


def test_downsample_sees_pairs_and_drops_an_odd_clip():
    conv = DownsampleConv(4)
    x = torch.randn(1, 7, 4)
    out = conv(x)
    assert out.shape == (1, 3, 4)
    assert (out >= 0).all()
    changed = x.clone()
    changed[:, [4, 6]] += 1
    assert torch.equal(conv(changed)[:, :2], out[:, :2])
    assert not torch.equal(conv(changed)[:, 2], out[:, 2])


def test_sine_grid_tells_places_to_a_linear_map():
    code = sine_grid(8, 32)
    assert code.shape == (64, 32) and code.abs().max() <= 1
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing='ij')
    places = torch.stack([rows.flatten(), columns.flatten()], dim=1)
    known = torch.cat([code, torch.ones(64, 1)], dim=1)
    found = known @ torch.linalg.pinv(known) @ places
    assert (found - places).abs().max() < 0.05
    # x is the first half, y the second
    assert torch.equal(code[0, 16:], code[7, 16:])
    assert torch.equal(code[0, :16], code[56, :16])
    with pytest.raises(ValueError, match='4 n channels'):
        sine_grid(8, 30)


def test_a_query_with_more_tokens_than_positions_is_refused():
    position = WordPosition(8, max_words=4)
    assert position(torch.zeros(1, 4, 8)).shape == (1, 4, 8)
    with pytest.raises(ValueError, match='a query has 5 tokens.*max_words=4: shorten'):
        position(torch.zeros(1, 5, 8))
