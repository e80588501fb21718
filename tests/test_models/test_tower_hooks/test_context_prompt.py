"""Learned vectors around words: where they stand, and which ones."""

import json

import open_clip
import pytest
import torch

from mmvtg.models.tower_hooks import ContextPrompt, TowerContext
from mmvtg.models.towers import CLIPTextTower


@pytest.fixture(scope='module', autouse=True)
def small_clip(tmp_path_factory):
    config = dict(
        embed_dim=16,
        vision_cfg=dict(image_size=32, patch_size=8, layers=1, width=32, head_width=8),
        text_cfg=dict(context_length=12, vocab_size=64, width=8, heads=2, layers=2),
    )
    path = tmp_path_factory.mktemp('clip') / 'prompted-clip.json'
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)


def embed(hook, lengths=(5, 3), inputs=None):
    """Tokens whose value is their place, from 1; padding is 0."""
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    tokens = torch.arange(1.0, max(lengths) + 1).expand(len(lengths), -1) * mask
    tokens = tokens[..., None].expand(-1, -1, 2)
    context = TowerContext(
        num_layers=1, inputs=inputs or {}, mask=mask, ends=torch.tensor(lengths) - 1
    )
    return hook.embed(tokens, context)[..., 0].tolist(), context


def numbered(**settings):
    hook = ContextPrompt(width=2, **settings)
    rows = torch.arange(100.0, 100 + hook.embedding.num_embeddings)
    hook.embedding.weight.data[:] = rows[:, None]
    return hook


def test_slots_are_the_same_for_every_length():
    tokens, context = embed(numbered(num_before=2, num_after=1))
    assert tokens[0] == [1, 100, 101, 2, 3, 4, 102, 5]
    assert tokens[1][:6] == [1, 100, 101, 2, 102, 3]
    assert context.ends.tolist() == [7, 5]
    assert context.mask.tolist() == [[True] * 8, [True] * 6 + [False] * 2]


def test_positions_depend_on_the_length():
    hook = numbered(num_before=2, num_after=1, indexing='position', num_places=12)
    tokens, context = embed(hook)
    assert tokens[0] == [1, 101, 102, 2, 3, 4, 106, 5]
    assert tokens[1][:6] == [1, 101, 102, 2, 104, 3]
    assert context.ends.tolist() == [7, 5]


@pytest.mark.parametrize('before, after', [(2, 0), (0, 2), (0, 0)])
def test_one_side_may_be_empty(before, after):
    tokens, _ = embed(numbered(num_before=before, num_after=after), lengths=(3,))
    learned = [100, 101]
    assert tokens[0] == [1, *learned[:before], 2, *learned[:after], 3]


def test_sets_are_chosen_by_an_input():
    hook = numbered(num_before=1, num_after=1, num_sets=3)
    tokens, _ = embed(hook, inputs=dict(prompt_set=torch.tensor([2, 0])))
    assert tokens[0] == [1, 104, 2, 3, 4, 105, 5]
    assert tokens[1][:5] == [1, 100, 2, 101, 3]
    with pytest.raises(ValueError, match='3 sets of prompts'):
        embed(hook)


def test_only_vectors_learn_and_padding_changes_nothing():
    hook = dict(type='ContextPrompt', width=8, num_before=2, num_after=2, init_std=1.0)
    tower = CLIPTextTower('prompted-clip', hooks=[hook])
    query = torch.tensor([[62, 5, 6, 7, 63], [62, 9, 63, 0, 0]])
    mask = query > 0
    both = tower(query, mask).pooled
    alone = tower(query[1:, :3], mask[1:, :3]).pooled
    assert torch.allclose(both[1:], alone, atol=1e-6)
    both.square().sum().backward()
    assert (tower.hooks[0].embedding.weight.grad.abs().sum(1) > 0).all()
    assert all(p.grad is None for p in tower.clip.parameters())
    assert list(tower.state_dict()) == ['hooks.0.embedding.weight']


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="'slot' or 'position'"):
        ContextPrompt(width=2, indexing='place')
    with pytest.raises(ValueError, match='one set'):
        ContextPrompt(width=2, indexing='position', num_sets=2)
    with pytest.raises(ValueError, match='counts'):
        ContextPrompt(width=2, num_before=-1)
    hook = numbered(num_before=2, num_after=2, indexing='position', num_places=6)
    with pytest.raises(ValueError, match='at place 7'):
        embed(hook)
