"""Small helpers without a subject of their own."""

from mmvtg.registry import register_all_modules

from .files import write_atomic

__all__ = ['register_all_modules', 'write_atomic']
