"""Hooks that mmengine lacks."""

from .checkpoint import SafeCheckpointHook
from .seed_hook import IterationSeedHook
from .stage_hooks import FreezeHook, LossWeightHook

__all__ = ['FreezeHook', 'IterationSeedHook', 'LossWeightHook', 'SafeCheckpointHook']
