"""Hooks and an optimiser wrapper that mmengine lacks."""

from .autocast import BFloat16OptimWrapper
from .checkpoint import SafeCheckpointHook
from .class_names_hook import ClassNamesHook
from .compile_hook import CompileHook
from .seed_hook import IterationSeedHook
from .stage_hooks import FreezeHook, LossWeightHook

__all__ = [
    'BFloat16OptimWrapper',
    'ClassNamesHook',
    'CompileHook',
    'FreezeHook',
    'IterationSeedHook',
    'LossWeightHook',
    'SafeCheckpointHook',
]
