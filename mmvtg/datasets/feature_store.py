"""Stored features: one ``.npy`` a video, one a query, or items of a pack."""

import os.path as osp
from typing import Optional, Tuple, Union

import numpy as np

from .errors import BadSampleError
from .pack_lookup import find_packed, packed_array
from .store_manifest import read_manifest

#: How many clips features and duration may disagree, unless a data set says otherwise.
MAX_LENGTH_GAP = 4


def _header(path: str) -> Tuple[Optional[str], Tuple[int, ...]]:
    """(problem, shape) of an ``.npy`` file, read from its header."""
    if not osp.isfile(path):
        packed = find_packed(path)
        if packed is None:
            return 'missing feature file', ()
        return None, (packed.pack.length(packed.name), *packed.pack.row_shape)
    try:
        return None, np.load(path, mmap_mode='r', allow_pickle=False).shape
    except (ValueError, OSError, EOFError):
        return 'damaged feature file', ()


def check_video_file(path: str) -> Tuple[Optional[str], int]:
    """(problem, number of clips) of a stored video, expected (T, N, P, C)."""
    problem, shape = _header(path)
    if problem is None and len(shape) != 4:
        problem = f'video features of shape {shape} instead of (T, N, P, C)'
    return problem, shape[0] if shape else 0


def check_query_file(path: str) -> Tuple[Optional[str], int]:
    """(problem, number of tokens) of a stored query, expected (L, N, C)."""
    problem, shape = _header(path)
    if problem is None and (len(shape) != 3 or shape[0] == 0):
        problem = f'query features of shape {shape} instead of (L, N, C)'
    return problem, shape[0] if shape else 0


def check_manifest(folder: Optional[str], fps: Union[float, str]) -> None:
    """Refuse features that were extracted at another frame rate.

    Folders without a manifest (those that authors published) pass.

    Raises:
        BadSampleError: Both rates are in the message; or the manifest is damaged.
    """
    manifest = read_manifest(folder) if folder else None
    stored = (manifest or {}).get('fps')
    # 'auto' spreads whatever is there over the duration; lengths are checked anyway
    if stored is None or fps == 'auto':
        return
    if isinstance(stored, (int, float)) and abs(stored - fps) <= 1e-6:
        return
    raise BadSampleError(
        f'the features in {folder} were made at {stored} clips per second, the config '
        f'asks for {fps}; set fps in the config, or extract them again'
    )


def load_array(path: str, name: str, num_dims: int) -> np.ndarray:
    """Load one stored feature array and see that it can be used.

    Args:
        path (str): ``.npy`` file.
        name (str): Whose features, for messages.
        num_dims (int): Number of axes it must have.

    Raises:
        BadSampleError: The file is missing, damaged, of another shape, or holds NaN or
            infinite numbers.
    """
    packed = None if osp.isfile(path) else find_packed(path)
    try:
        array = packed_array(packed) if packed else np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise BadSampleError(
            f'{name}: feature file {path} is missing; make it with '
            'tools/extract_features.py'
        ) from error
    except (ValueError, OSError, EOFError) as error:
        raise BadSampleError(
            f'{name}: feature file {path} is damaged ({error}); delete it and extract '
            'it again'
        ) from error
    if array.ndim != num_dims or array.shape[0] == 0:
        raise BadSampleError(
            f'{name}: {path} has shape {array.shape}, expected {num_dims} axes and at '
            'least one row'
        )
    if packed:
        return array  # was looked at when it was written
    # one NaN or infinity anywhere makes the sum of the row sums not finite
    with np.errstate(over='ignore', invalid='ignore'):
        fine = np.isfinite(array.sum(dtype=np.float32))
    if not fine and not np.isfinite(array).all():
        raise BadSampleError(
            f'{name}: {path} holds NaN or infinite numbers; extract it again'
        )
    return array
