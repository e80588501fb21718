"""Random numbers that depend on where training is."""

import random
from types import SimpleNamespace

import numpy as np
import torch

from mmvtg.engine import IterationSeedHook


def draw(seed, iteration):
    hook = IterationSeedHook()
    hook.before_train_iter(SimpleNamespace(seed=seed, iter=iteration), 0)
    return torch.rand(1).item(), np.random.rand(), random.random()


def test_draws_depend_on_seed_and_iteration_only():
    first = draw(3, 7)
    torch.rand(100)
    assert draw(3, 7) == first
    assert all(a != b for a, b in zip(draw(3, 8), first))
    assert all(a != b for a, b in zip(draw(4, 7), first))


def test_each_rank_draws_numbers_of_its_own(monkeypatch):
    drawn = []
    for rank in (0, 1, 2, 1):
        monkeypatch.setattr('mmvtg.engine.seed_hook.get_rank', lambda rank=rank: rank)
        drawn.append(draw(3, 7))
    assert drawn[1] == drawn[3]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert all(a != b for a, b in zip(drawn[one], drawn[two]))
    # rank and iteration are no sum: rank 1 does not repeat what rank 0 drew later
    assert drawn[1] not in [draw_of_rank_0(monkeypatch, 3, i) for i in range(5, 10)]


def draw_of_rank_0(monkeypatch, seed, iteration):
    monkeypatch.setattr('mmvtg.engine.seed_hook.get_rank', lambda: 0)
    return draw(seed, iteration)
