"""Training in stages."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmvtg.engine import FreezeHook, LossWeightHook


def make_runner():
    model = nn.ModuleDict(dict(tower=nn.Linear(2, 2), head=nn.Linear(2, 1)))
    model['tower'].bias.requires_grad_(False)
    model['head'].loss_weight = 2.0
    return SimpleNamespace(model=model, epoch=0)


def test_part_is_frozen_and_then_learns():
    runner = make_runner()
    hook = FreezeHook('tower', epochs=2)
    hook.before_train(runner)
    tower = runner.model['tower']
    for epoch, learns in ((0, False), (1, False), (2, True)):
        runner.epoch = epoch
        hook.before_train_epoch(runner)
        assert tower.weight.requires_grad is learns
        assert not tower.bias.requires_grad  # frozen for other reasons
        assert runner.model['head'].weight.requires_grad


def test_frozen_part_is_left_alone_by_weight_decay():
    runner = make_runner()
    optimizer = torch.optim.AdamW(runner.model.parameters(), lr=0.1, weight_decay=0.1)
    hook = FreezeHook('tower', epochs=1)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    before = runner.model['tower'].weight.clone()
    runner.model['head'](runner.model['tower'](torch.ones(1, 2))).sum().backward()
    optimizer.step()
    assert torch.equal(runner.model['tower'].weight, before)


def test_weight_of_a_loss_by_epoch():
    runner = make_runner()
    hook = LossWeightHook('head', epochs=3, factor=0.01)
    hook.before_train(runner)
    for epoch, weight in ((0, 2.0), (2, 2.0), (3, 0.02), (9, 0.02)):
        runner.epoch = epoch
        hook.before_train_epoch(runner)
        assert runner.model['head'].loss_weight == pytest.approx(weight)


def test_unknown_part_is_named():
    with pytest.raises(ValueError, match='neck'):
        FreezeHook('neck', epochs=1).before_train(make_runner())
