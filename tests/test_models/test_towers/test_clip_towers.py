"""Towers without hooks are open_clip; frozen ones stay as they are."""

from copy import deepcopy

import pytest
import torch
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from torch import nn

from mmvtg.models.tower_hooks import TowerHook
from mmvtg.models.towers import CLIPTextTower, CLIPVisionTower
from mmvtg.models.towers.run_chunks import plan_chunks
from mmvtg.registry import MODELS

TAP_ALL = dict(type='LayerTap', num_layers=3, storage_dtype=None)
MODELS_UNDER_TEST = pytest.mark.parametrize('name', ['small-gelu', 'small-quick'])


@MODELS.register_module(force=True)
class ShiftTokens(TowerHook):
    """A trainable hook: adds a learned vector to all tokens of layer 1."""

    def __init__(self, width):
        super().__init__()
        self.shift = nn.Parameter(torch.full((width,), 0.1))

    def before_layer(self, index, tokens, context):
        return tokens + self.shift if index == 1 else tokens


@MODELS.register_module(force=True)
class MeanOfRun(TowerHook):
    """A hook that couples frames, and hands out what it saw."""

    couples_frames = True

    def after_layers(self, tokens, context):
        same = (context.runs[:, None] == context.runs).to(tokens.dtype)
        context.outputs['length'] = same.sum(1)
        context.outputs['motion'] = context.inputs['motion'] * 2
        context.outputs['verb'] = context.inputs['verb'][context.runs]
        mean = same @ tokens.flatten(1) / same.sum(1, keepdim=True)
        return mean.view_as(tokens)


def close(actual, expected):
    assert actual.shape == expected.shape
    error = (actual - expected).abs().max() / expected.abs().max()
    assert error < 1e-5, error


def text_batch():
    query = torch.zeros(3, 20, dtype=torch.int64)
    lengths = (9, 5, 2)
    for row, length in enumerate(lengths):
        query[row, 0] = 62
        query[row, 1 : length - 1] = torch.randint(1, 60, (length - 2,))
        query[row, length - 1] = 63
    return query, torch.arange(20) < torch.tensor(lengths)[:, None]


@MODELS_UNDER_TEST
def test_vision_equals_open_clip(clip_file, name):
    model, path = clip_file(name)
    tower = CLIPVisionTower(name, path, hooks=[TAP_ALL], chunk_size=4)
    images = torch.randn(10, 3, 32, 32)
    expected = model.visual.forward_intermediates(
        images, output_fmt='NLC', output_extra_tokens=True
    )
    out = tower(images.view(2, 5, 3, 32, 32), torch.ones(2, 5, dtype=torch.bool))
    close(out.clips.flatten(0, 1), model.encode_image(images))
    assert len(out.layers) == 3
    for index, layer in enumerate(out.layers):
        first = expected['image_intermediates_prefix'][index]
        rest = expected['image_intermediates'][index]
        close(layer.flatten(0, 1), torch.cat([first, rest], dim=1))


@MODELS_UNDER_TEST
def test_text_equals_open_clip(clip_file, name):
    model, path = clip_file(name)
    tower = CLIPTextTower(name, path, hooks=[TAP_ALL])
    query, mask = text_batch()
    expected = model.forward_intermediates(text=query, normalize=False)
    out = tower(query, mask)
    close(out.pooled, model.encode_text(query))
    assert out.mask.shape == (3, 9), 'trimmed to the longest query'
    for layer, reference in zip(out.layers, expected['text_intermediates']):
        keep = mask[:, :9, None]
        close(layer, reference[:, :9].masked_fill(~keep, 0))
    assert len(out.layers) == 3
    assert torch.equal(out.words[0, 8], out.pooled[0])


def test_custom_text_class(clip_file):
    import open_clip

    model, path = clip_file('small-gelu')
    query, mask = text_batch()
    nested = open_clip.create_model('small-gelu', force_custom_text=True).eval()
    nested.load_state_dict(open_clip.factory.load_state_dict(path), strict=False)
    from mmvtg.models.towers.clip_text_tower import _TextHalf

    tower = CLIPTextTower('small-gelu', path)
    nested.text.load_state_dict(tower.clip.state_dict())
    tower.clip = _TextHalf(nested, 'nested').eval()
    close(tower(query, mask).pooled, model.encode_text(query))


def test_uint8_frames_are_normalised(clip_file):
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

    model, path = clip_file('small-gelu')
    frames = torch.randint(0, 256, (1, 3, 3, 32, 32), dtype=torch.uint8)
    mean, std = (
        torch.tensor(x).view(3, 1, 1) for x in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)
    )
    out = CLIPVisionTower('small-gelu', path)(frames, torch.ones(1, 3).bool())
    close(out.clips[0], model.encode_image((frames[0] / 255 - mean) / std))


def test_padding_never_matters(clip_file):
    _, path = clip_file('small-gelu')
    tower = CLIPVisionTower('small-gelu', path, hooks=[TAP_ALL])
    frames = torch.randn(2, 6, 3, 32, 32)
    mask = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0]]).bool()
    out = tower(frames, mask)
    poisoned = frames.masked_fill(~mask[..., None, None, None], float('nan'))
    again = tower(poisoned, mask)
    for a, b in zip([out.clips, *out.layers], [again.clips, *again.layers]):
        assert torch.equal(a, b)
        assert (a[~mask] == 0).all() and (a[mask] != 0).any()


def test_frozen_tower_has_no_autograd_and_stays_in_eval():
    tower = CLIPVisionTower('small-gelu', hooks=[TAP_ALL])
    tower.train()
    assert not tower.clip.training and tower.hooks.training
    assert not any(p.requires_grad for p in tower.clip.parameters())
    out = tower(torch.randn(1, 2, 3, 32, 32), torch.ones(1, 2).bool())
    assert not out.clips.requires_grad and not out.layers[0].requires_grad
    weight = torch.ones(16, requires_grad=True)  # usable in a later graph
    (out.clips * weight).sum().backward()
    assert weight.grad is not None


def test_gradients_pass_frozen_layers_to_a_hook():
    hook = dict(type='ShiftTokens', width=32)
    tower = CLIPVisionTower('small-gelu', hooks=[hook])
    before = {key: x.clone() for key, x in tower.clip.state_dict().items()}
    tower(torch.randn(1, 2, 3, 32, 32), torch.ones(1, 2).bool()).clips.sum().backward()
    assert tower.hooks[0].shift.grad.abs().sum() > 0
    assert all(p.grad is None for p in tower.clip.parameters())
    for key, value in tower.clip.state_dict().items():
        assert torch.equal(value, before[key])


def test_recomputed_layers_give_the_same_gradients(clip_file):
    _, path = clip_file('small-quick')
    grads = []
    images = torch.randn(1, 2, 3, 32, 32)
    for recompute in (False, True):
        hooks = [dict(type='ShiftTokens', width=32)]
        tower = CLIPVisionTower('small-quick', path, hooks=hooks, recompute=recompute)
        tower(images, torch.ones(1, 2).bool()).clips.square().sum().backward()
        grads.append(tower.hooks[0].shift.grad)
    close(grads[1], grads[0])


@pytest.mark.parametrize('load', ['torch', 'mmengine'])
def test_checkpoints_hold_hooks_but_no_frozen_weights(load):
    hooks = [dict(type='ShiftTokens', width=24)]
    model = nn.ModuleDict(dict(text_tower=CLIPTextTower('small-gelu', hooks=hooks)))
    state = get_state_dict(model) if load == 'mmengine' else model.state_dict()
    assert list(state) == ['text_tower.hooks.0.shift']
    state = {key: value + 1 for key, value in state.items()}
    kept = model['text_tower'].clip.token_embedding.weight.clone()
    if load == 'mmengine':
        load_state_dict(model, state, strict=True)
    else:
        model.load_state_dict(state, strict=True)
    assert model['text_tower'].hooks[0].shift[0].item() == pytest.approx(1.1)
    assert torch.equal(model['text_tower'].clip.token_embedding.weight, kept)


def test_trained_tower_is_in_checkpoints_and_trains():
    tower = CLIPTextTower('small-gelu', frozen=False)
    assert 'clip.token_embedding.weight' in tower.state_dict()
    tower.train()
    assert tower.clip.training
    tower(*text_batch()).pooled.sum().backward()
    assert tower.clip.token_embedding.weight.grad is not None


@pytest.mark.parametrize('load', ['torch', 'mmengine'])
def test_words_that_stay_are_left_out_of_checkpoints(load):
    tower = CLIPTextTower('small-gelu', frozen=False, frozen_words=True)
    model = nn.ModuleDict(dict(text_tower=tower))
    # an average of the weights freezes all it has, and keeps what is learned
    for copy in (model, deepcopy(model).requires_grad_(False)):
        state = get_state_dict(copy) if load == 'mmengine' else copy.state_dict()
        assert 'text_tower.clip.token_embedding.weight' not in state
        assert 'text_tower.clip.positional_embedding' in state
    words = tower.clip.token_embedding.weight.clone()
    state = {key: value + 1 for key, value in state.items()}
    if load == 'mmengine':
        load_state_dict(model, state, strict=True)
    else:
        model.load_state_dict(state, strict=True)
    assert torch.equal(tower.clip.token_embedding.weight, words)
    learned = 'text_tower.clip.positional_embedding'
    assert torch.equal(model.state_dict()[learned], state[learned])
    tower(*text_batch()).pooled.sum().backward()
    assert tower.clip.token_embedding.weight.grad is None


def test_runs_are_not_split_and_inputs_follow_their_frames():
    tower = CLIPVisionTower('small-gelu', hooks=[dict(type='MeanOfRun')], chunk_size=4)
    mask = torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]]).bool()
    chunks = plan_chunks(mask.nonzero()[:, 0], tower.chunk_size, tower.couples_frames)
    assert [c.frames for c in chunks] == [slice(0, 2), slice(2, 7), slice(7, 8)]
    motion = torch.randn(3, 5, 7)
    verb = torch.tensor([10.0, 20.0, 30.0])
    extras = {}
    video = torch.randn(3, 5, 3, 32, 32)
    out = tower(video, mask, dict(motion=motion), dict(verb=verb), extras)
    lengths = torch.tensor([[2], [5], [1]]) * mask
    assert torch.equal(extras['length'], lengths.float())
    assert torch.equal(extras['motion'], motion.masked_fill(~mask[..., None], 0) * 2)
    assert torch.equal(extras['verb'], verb[:, None] * mask)
    alone = tower(video[1:2], mask[1:2], dict(motion=motion[1:2]), dict(verb=verb))
    close(alone.clips[0], out.clips[1])


def test_wrong_input_is_named():
    vision, text = CLIPVisionTower('small-gelu'), CLIPTextTower('small-gelu')
    with pytest.raises(ValueError, match=r'\(16, 16\).*\(32, 32\)'):
        vision(torch.zeros(1, 1, 3, 16, 16), torch.ones(1, 1).bool())
    with pytest.raises(ValueError, match='without a single valid frame'):
        vision(torch.zeros(1, 1, 3, 32, 32), torch.zeros(1, 1).bool())
    with pytest.raises(ValueError, match='21 tokens.*20 positions'):
        text(torch.ones(1, 21, dtype=torch.int64), torch.ones(1, 21).bool())


@pytest.mark.parametrize(
    'name, message',
    [
        ('RN50', 'ModifiedResNet'),
        ('coca_ViT-B-32', 'attn_pool'),
        ('ViT-B-16-SigLIP', ''),
    ],
)
def test_unusual_towers_are_refused(name, message, monkeypatch):
    from mmvtg.models.towers.clip_tower import require_plain_tower
    from mmvtg.models.towers.clip_vision_tower import _PARTS, _refuse_unusual

    small = CLIPVisionTower('small-gelu').clip
    if name == 'coca_ViT-B-32':
        small.attn_pool = nn.Linear(1, 1)
        with pytest.raises(ValueError, match='attn_pool'):
            _refuse_unusual(small, name, True)
    elif name == 'RN50':
        from open_clip.modified_resnet import ModifiedResNet

        resnet = ModifiedResNet((1, 1, 1, 1), 8, 4, image_size=32, width=8)
        with pytest.raises(ValueError, match=message):
            require_plain_tower(resnet, name, _PARTS)
    else:
        small.pool_type = 'avg'
        with pytest.raises(ValueError, match="'avg'"):
            _refuse_unusual(small, name, True)
