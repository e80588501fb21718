"""Random numbers that depend on where training is, not on how it got there."""

import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvtg.registry import HOOKS


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seeds every random generator at the start of each training iteration.

    The seed is made of the run's seed, the iteration and the rank. A run that was
    killed and resumed therefore draws what the uninterrupted one would have drawn, and
    validation, however often it runs, changes nothing in training.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        key = [runner.seed or 0, runner.iter, get_rank()]
        seed = int(np.random.SeedSequence(key).generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
