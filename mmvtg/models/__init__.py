"""Towers, their hooks, necks, heads and the models made of them."""

from . import (
    data_preprocessors,
    decoders,
    grounders,
    heads,
    injections,
    losses,
    necks,
    task_modules,
    tower_hooks,
    towers,
)

__all__ = [
    'data_preprocessors',
    'decoders',
    'grounders',
    'heads',
    'injections',
    'losses',
    'necks',
    'task_modules',
    'tower_hooks',
    'towers',
]
