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
