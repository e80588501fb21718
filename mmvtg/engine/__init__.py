"""Hooks that mmengine lacks."""

from .checkpoint import SafeCheckpointHook
from .seed_hook import IterationSeedHook

__all__ = ['IterationSeedHook', 'SafeCheckpointHook']
