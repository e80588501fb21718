"""Small helpers without a subject of their own."""

from mmvtg.registry import register_all_modules

from .files import replacing, write_atomic

__all__ = ['register_all_modules', 'replacing', 'write_atomic']
