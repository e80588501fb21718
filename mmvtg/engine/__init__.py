"""Hooks that mmengine lacks."""

from .checkpoint import SafeCheckpointHook
from .class_names_hook import ClassNamesHook
from .seed_hook import IterationSeedHook

__all__ = ['ClassNamesHook', 'IterationSeedHook', 'SafeCheckpointHook']
