"""What hooks may do: read, change, add and drop tokens; see attention; tap layers."""

import json

import open_clip
import pytest
import torch

from mmvtg.models.tower_hooks import LayerTap, RowRequest, TowerContext, TowerHook
from mmvtg.models.towers import CLIPTextTower, CLIPVisionTower
from mmvtg.models.towers.clip_block import run_block
from mmvtg.registry import MODELS


@pytest.fixture(scope='module', autouse=True)
def small_clip(tmp_path_factory):
    config = dict(
        embed_dim=16,
        vision_cfg=dict(image_size=32, patch_size=8, layers=3, width=32, head_width=8),
        text_cfg=dict(context_length=20, vocab_size=64, width=24, heads=3, layers=3),
    )
    path = tmp_path_factory.mktemp('clip') / 'hooked-clip.json'
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)


@MODELS.register_module(force=True)
class PromptToken(TowerHook):
    """A token behind the class token in layer 1 only; hands out its attention."""

    def before_layer(self, index, tokens, context):
        if index != 1:
            return tokens
        prompt = context.inputs['prompt'][:, None]
        return torch.cat([tokens[:, :1], prompt, tokens[:, 1:]], dim=1)

    def attention_rows(self, index, tokens, context):
        return RowRequest(1, slice(2, None)) if index == 1 else None

    def after_layer(self, index, tokens, rows, context):
        if index != 1:
            assert rows is None
            return tokens
        context.outputs['attention'] = rows
        return torch.cat([tokens[:, :1], tokens[:, 2:]], dim=1)


@MODELS.register_module(force=True)
class ContextWords(TowerHook):
    """Two learned vectors behind the start token."""

    def __init__(self, width):
        super().__init__()
        self.words = torch.nn.Parameter(torch.randn(2, width))

    def embed(self, tokens, context):
        count = len(self.words)
        words = self.words.expand(len(tokens), -1, -1)
        context.mask = torch.cat(
            [context.mask[:, :1].repeat(1, count), context.mask], 1
        )
        context.ends = context.ends + count
        return torch.cat([tokens[:, :1], words, tokens[:, 1:]], dim=1)


def test_a_hook_adds_a_token_sees_its_attention_and_drops_it():
    tap = dict(type='LayerTap', num_layers=3, storage_dtype=None)
    tower = CLIPVisionTower(
        'hooked-clip', hooks=[dict(type='PromptToken'), tap], chunk_size=2
    )
    frames, prompt = torch.randn(3, 3, 32, 32), torch.randn(3, 32)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]]).bool()
    video = torch.randn(2, 3, 3, 32, 32)
    video[mask], inputs = frames, torch.zeros(2, 3, 32)
    inputs[mask] = prompt
    extras = {}
    out = tower(video, mask, clip_inputs=dict(prompt=inputs), outputs=extras)

    with torch.no_grad():
        tokens = run_block(tower.blocks[0], tower._embed(frames), False, [])[0]
        assert torch.allclose(out.layers[0][mask], tokens, atol=1e-5)
        tokens = torch.cat([tokens[:, :1], prompt[:, None], tokens[:, 1:]], 1)
        block = tower.blocks[1]
        normed = block.ln_1(tokens)
        _, weights = block.attn(normed, normed, normed, need_weights=True)
        tokens = block(tokens)
        tokens = tower.blocks[2](torch.cat([tokens[:, :1], tokens[:, 2:]], 1))
    assert torch.allclose(extras['attention'][mask], weights[:, 1, 2:], atol=1e-6)
    assert (extras['attention'][~mask] == 0).all()
    assert torch.allclose(out.layers[2][mask], tokens, atol=1e-5)


def test_the_causal_mask_follows_inserted_words():
    hook = dict(type='ContextWords', width=24)
    tower = CLIPTextTower('hooked-clip', hooks=[hook])
    query = torch.tensor([[62, 5, 6, 7, 63], [62, 9, 63, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
    out = tower(query, mask)
    assert out.mask.tolist() == [[True] * 7, [True] * 5 + [False] * 2]
    clip = tower.clip
    for row, length in ((0, 5), (1, 3)):
        ids = query[row, :length]
        embedded = clip.token_embedding(ids)
        tokens = torch.cat([embedded[:1], tower.hooks[0].words, embedded[1:]])
        tokens = (tokens + clip.positional_embedding[: length + 2])[None]
        causal = torch.full((length + 2, length + 2), -torch.inf).triu(1)
        for block in tower.blocks:
            tokens = block(tokens, attn_mask=causal)
        expected = clip.ln_final(tokens)[0, -1] @ clip.text_projection
        assert torch.allclose(out.pooled[row], expected, atol=1e-5)
    out.pooled.sum().backward()
    assert tower.hooks[0].words.grad.abs().sum() > 0
    assert clip.text_projection.grad is None


def test_too_many_inserted_words_are_named():
    tower = CLIPTextTower('hooked-clip', hooks=[dict(type='ContextWords', width=24)])
    with pytest.raises(ValueError, match='21 tokens.*20 positions'):
        tower(torch.ones(1, 19, dtype=torch.int64), torch.ones(1, 19).bool())


@pytest.mark.parametrize(
    'settings, expected',
    [
        (dict(num_layers=2), [4, 5]),
        (dict(num_layers=6), [0, 1, 2, 3, 4, 5]),
        (dict(layers=[-1, 0, 3]), [0, 3, 5]),
    ],
)
def test_tapped_layers(settings, expected):
    assert LayerTap(**settings).tapped_layers(6) == expected
    context = TowerContext(num_layers=6)
    tap = LayerTap(**settings)
    for index in range(6):
        tap.after_layer(index, torch.full((1, 2, 3), index + 1 / 3), None, context)
    assert [int(layer[0, 0, 0]) for layer in context.layers] == expected
    assert all(layer.dtype == torch.float16 for layer in context.layers)


def test_a_tap_that_cannot_be_is_named():
    with pytest.raises(ValueError, match='has 3'):
        LayerTap(num_layers=4).tapped_layers(3)
    with pytest.raises(ValueError, match='has 3'):
        LayerTap(layers=[3]).tapped_layers(3)
    with pytest.raises(ValueError, match='taps nothing'):
        LayerTap(layers=[])
    with pytest.raises(ValueError, match='storage_dtype'):
        LayerTap(storage_dtype='half16')
