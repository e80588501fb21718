"""Hooks that mmengine lacks."""

from .checkpoint import SafeCheckpointHook, write_atomic
from .seed_hook import IterationSeedHook

__all__ = ['IterationSeedHook', 'SafeCheckpointHook', 'write_atomic']
