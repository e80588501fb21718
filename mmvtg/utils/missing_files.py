"""Messages about files that do not exist, with the likely cause."""

import os
import os.path as osp
from difflib import get_close_matches

#: Environment variables that configs put into paths of data, outermost first.
DATA_VARIABLES = ('MMVTG_DATA', 'MOVING_SHAPES')
_SHOWN = 8  # folders listed in a message


def missing_file(path: str, name: str, advice: str) -> FileNotFoundError:
    """Return the error about a missing file.

    Args:
        path (str): Path that does not exist.
        name (str): Kind of file, such as ``annotation file``.
        advice (str): What to do if no cause is found.
    """
    cause = _other_compression(path) or _wrong_variable(path) or advice
    return FileNotFoundError(f'{name} {path} does not exist; {cause}')


def _other_compression(path: str) -> str | None:
    """Say that the file lies there compressed, or decompressed."""
    other = path.removesuffix('.gz') if path.endswith('.gz') else f'{path}.gz'
    return f'use {other}, which does' if osp.isfile(other) else None


def _wrong_variable(path: str) -> str | None:
    """Name the environment variable that leads to a folder that does not exist."""
    whole = osp.abspath(path)
    for name in DATA_VARIABLES:
        value = os.environ.get(name, '').rstrip('/')
        before, found, _ = whole.partition(value if osp.isabs(value) else f'/{value}/')
        folder = osp.join(before, value)
        if value and found and not osp.isdir(folder):
            return f'the variable {name} is {value!r}, and {_what_exists(folder)}'
    for name in DATA_VARIABLES:
        near = get_close_matches(name, set(os.environ) - {*DATA_VARIABLES}, 1, 0.8)
        if near and name not in os.environ:
            return f'the environment has {near[0]}; set {name} instead'
    return None


def _what_exists(folder: str) -> str:
    """Say that a folder does not exist, and name its siblings if they are few."""
    parent = osp.dirname(folder)
    siblings = os.scandir(parent) if osp.isdir(parent) else ()
    names = sorted(one.name for one in siblings if one.is_dir() and one.name[0] != '.')
    if 0 < len(names) <= _SHOWN:
        return f'{parent} has only the folders {", ".join(names)}'
    return f'there is no folder {folder}'
