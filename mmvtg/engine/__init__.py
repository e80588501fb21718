"""Hooks that mmengine lacks."""

from .checkpoint import SafeCheckpointHook
from .class_names_hook import ClassNamesHook
from .seed_hook import IterationSeedHook
from .stage_hooks import FreezeHook, LossWeightHook

__all__ = [
    'ClassNamesHook',
    'FreezeHook',
    'IterationSeedHook',
    'LossWeightHook',
    'SafeCheckpointHook',
]
