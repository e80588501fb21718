"""Weights are found in every wrapper, and what was taken is said."""

import copy

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from mmvtg.utils.state_dicts import check_weights, find_weights
from mmvtg.utils.tensor_files import CheckpointError

LAST = {'a.weight': torch.zeros(2), 'b': torch.zeros(1)}
MEAN = {'a.weight': torch.ones(2), 'b': torch.ones(1)}


@pytest.mark.parametrize(
    'content',
    [
        LAST,
        dict(state_dict=LAST, epoch=3),
        dict(model=LAST, optimizer={}),
        dict(model_state_dict=LAST),
        dict(model=dict(state_dict=LAST)),
        {f'module.{key}': x for key, x in LAST.items()},
        {f'module.module.{key}': x for key, x in LAST.items()},
        dict(model={f'_orig_mod.module.{key}': x for key, x in LAST.items()}),
        dict(state_dict=LAST, state_dict_ema=None),
    ],
)
def test_wrappers_are_taken_off(content):
    state, _ = find_weights(content)
    assert state.keys() == LAST.keys() and state['b'] == 0


@pytest.mark.parametrize(
    'field', ['state_dict_ema', 'ema_state_dict', 'model_ema', 'ema']
)
def test_averaged_weights_are_taken_and_said(field):
    state, notes = find_weights({'model': LAST, field: {'module': MEAN}})
    assert state['b'] == 1
    assert f'the averaged weights ({field}) are used' in notes[0]
    assert 'those of the last step (model) are not' in notes[0]


def test_averages_of_torch():
    model = torch.nn.Linear(2, 2)
    mean = AveragedModel(model)
    mean.update_parameters(model)
    state, notes = find_weights(dict(model=mean.state_dict()))
    assert state.keys() == model.state_dict().keys()
    assert 'averages over 1 steps (n_averaged)' in notes[1]
    assert "'module.'" in notes[2]


def test_mmengine_has_its_averages_in_state_dict():
    content = dict(
        state_dict=MEAN, ema_state_dict=LAST, message_hub={}, meta=dict(epoch=1)
    )
    state, notes = find_weights(content)
    assert state['b'] == 1 and not notes


@pytest.mark.parametrize(
    'content, reason',
    [
        ([LAST], 'holds a list, not a dict'),
        (torch.ones(2), 'holds a Tensor'),
        (dict(epoch=3), 'holds no weights; its fields: epoch'),
        ({}, 'its fields: none'),
    ],
)
def test_files_without_weights(content, reason):
    with pytest.raises(CheckpointError, match=reason):
        find_weights(content)


def test_a_model_refuses_other_weights():
    model = torch.nn.Linear(2, 3)
    state = copy.deepcopy(model.state_dict())
    check_weights(model, dict(state, extra=torch.ones(1)))
    with pytest.raises(CheckpointError, match='weight is missing; bias is missing'):
        check_weights(model, LAST)
    with pytest.raises(CheckpointError, match=r'bias is \(2,\), want \(3,\)'):
        check_weights(model, dict(state, bias=torch.ones(2)))
