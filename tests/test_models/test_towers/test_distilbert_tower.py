"""DistilBERT as a text tower: its size, its weights, padding."""

import runpy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mmvtg.models.necks.proposal_map import pool_query
from mmvtg.models.towers import DistilBertTower
from mmvtg.utils.conversion import rename

ROOT = Path(__file__).parents[3]
SMALL = dict(
    channels=8,
    num_layers=2,
    num_heads=2,
    hidden_channels=12,
    vocab_size=30,
    max_tokens=10,
)


def make(**options):
    torch.manual_seed(0)
    return DistilBertTower(**{**SMALL, **options})


def test_it_is_distilbert_base():
    with torch.device('meta'):
        state = DistilBertTower().state_dict()
    # what checkpoints of MMN's authors hold
    assert len(state) == 100
    assert sum(x.numel() for x in state.values()) == 66_362_880
    assert all(key.startswith('bert.') for key in state)


def test_checkpoints_of_mmns_authors_have_its_names():
    tool = runpy.run_path(str(ROOT / 'tools' / 'model_converters' / 'mmn.py'))
    state = make().state_dict()
    official = {f'module.text_encoder.{key}': value for key, value in state.items()}
    ours = rename(official, tool['_RULES'])
    assert set(ours) == {f'text_tower.{key}' for key in state}


def test_padding_changes_nothing():
    tower = make().eval()
    ids = torch.randint(0, 30, (2, 9))
    mask = torch.arange(9) < torch.tensor([[6], [3]])
    both = tower(ids, mask)
    assert both.words.shape == (2, 6, 8) and not both.words[1, 3:].any()
    alone = tower(ids[1:, :3], mask[1:, :3])
    torch.testing.assert_close(both.words[1, :3], alone.words[0])
    torch.testing.assert_close(pool_query(both)[1], alone.words[0].mean(0))


def test_frozen_stays_as_it_is():
    tower = make(frozen=True).train()
    ids, mask = torch.randint(0, 30, (2, 5)), torch.ones(2, 5, dtype=torch.bool)
    assert not tower.training
    assert torch.equal(tower(ids, mask).words, tower(ids, mask).words)
    assert not tower(ids, mask).words.requires_grad
    make().train()(ids, mask).words.sum().backward()  # dropout and gradients


def test_weights_of_a_masked_language_model(tmp_path):
    source, path = make(), str(tmp_path / 'model.safetensors')
    state = {f'distilbert.{k}': v + 1 for k, v in source.bert.state_dict().items()}
    save_file({**state, 'vocab_layer_norm.weight': torch.ones(8)}, path)
    for name, value in make(pretrained=path).bert.state_dict().items():
        assert torch.equal(value, state[f'distilbert.{name}'])
    with pytest.raises(ValueError, match=r'model\.safetensors has not the weights'):
        make(pretrained=path, channels=16)
    with pytest.raises(FileNotFoundError):
        make(pretrained='nowhere.safetensors')


def test_too_many_tokens():
    mask = torch.ones(1, 11, dtype=torch.bool)
    with pytest.raises(ValueError, match='11 tokens.*10 positions'):
        make()(torch.zeros(1, 11, dtype=torch.long), mask)
