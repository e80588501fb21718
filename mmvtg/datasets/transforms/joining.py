"""Streams of features of one video -> one array; numpy in, numpy out."""

from typing import Dict, Iterable, List, Sequence, Union

import numpy as np

#: Added to a norm before dividing by it, as Moment-DETR's authors do.
EPSILON = 1e-5
Groups = Sequence[Union[str, Sequence[str]]]


def lift(array: np.ndarray, num_axes: int) -> np.ndarray:
    """One vector a row becomes one layer (and one patch): (T, C) -> (T, 1, 1, C)."""
    shape = (len(array), *[1] * (num_axes - array.ndim), *array.shape[1:])
    return array.reshape(shape)


def resample_rows(array: np.ndarray, length: int) -> np.ndarray:
    """Stretch or shrink along time, linearly between the middles of the rows.

    Args:
        array (ndarray): (T, ...).
        length (int): Rows wanted.

    Returns:
        ndarray: (length, ...) float32.
    """
    # in float32, as torch places them, whose interpolation published features saw
    scale = np.float32(len(array) / length)
    middles = (np.arange(length, dtype=np.float32) + 0.5) * scale - np.float32(0.5)
    middles = np.clip(middles, 0, len(array) - 1)
    below = middles.astype(int)
    above = np.minimum(below + 1, len(array) - 1)
    share = (middles - below).astype(np.float32)
    share = share.reshape(-1, *[1] * (array.ndim - 1))
    return array[below] * (1 - share) + array[above] * share


def align(
    arrays: Dict[str, np.ndarray], longest: int, resampled: Iterable[str] = ()
) -> Dict[str, np.ndarray]:
    """Give all streams the same number of rows.

    The shortest one rules, and no more than ``longest`` rows are kept; the rest of the
    longer ones is cut off. Those that are ``resampled`` rule nothing: they are
    stretched to that length.

    Args:
        arrays (dict): Stream -> (T_s, ...).
        longest (int): Clips of the annotation.
        resampled (Iterable[str]): Streams with a rate of their own.
    """
    resampled = set(resampled)
    lengths = [len(a) for name, a in arrays.items() if name not in resampled]
    length = min([*lengths, max(longest, 1)])
    return {
        name: resample_rows(array, length) if name in resampled else array[:length]
        for name, array in arrays.items()
    }


def change_of(array: np.ndarray) -> np.ndarray:
    """How much rows differ from their neighbours: mean of both absolute differences.

    Args:
        array (ndarray): (T, C).

    Returns:
        ndarray: (T, C) float32, >= 0; a row at an end counts itself as neighbour.
    """
    array = array.astype(np.float32)
    steps = np.abs(np.diff(array, axis=0, prepend=array[:1], append=array[-1:]))
    return (steps[:-1] + steps[1:]) / 2


def normalize(arrays: Dict[str, np.ndarray], groups: Groups) -> Dict[str, np.ndarray]:
    """Divide each row by its L2 norm, ``x / (|x| + 1e-5)``, in float32.

    Args:
        arrays (dict): Stream -> (T, ..., C), equal T.
        groups (Sequence): Streams to normalise. Streams grouped in a tuple share a
            norm, as if they were joined before.
    """
    arrays = dict(arrays)
    for group in groups:
        names = [group] if isinstance(group, str) else list(group)
        rows = [arrays[name].astype(np.float32) for name in names]
        squares = sum(np.square(row).sum(axis=-1, keepdims=True) for row in rows)
        norm = np.sqrt(squares) + EPSILON
        arrays.update({name: row / norm for name, row in zip(names, rows)})
    return arrays


def temporal_endpoints(length: int) -> np.ndarray:
    """Start and end of each clip as shares of the video, (T, 2) float32."""
    start = np.arange(length, dtype=np.float32) / length
    return np.stack([start, start + np.float32(1 / length)], axis=1)


def join(arrays: List[np.ndarray], with_endpoints: bool) -> np.ndarray:
    """Concatenate channels: [(T, N, P, C_s), ...] -> (T, N, P, sum C_s (+ 2))."""
    if with_endpoints:
        first = arrays[0]
        ends = temporal_endpoints(len(first)).reshape(-1, 1, 1, 2)
        ends = np.broadcast_to(ends, (*first.shape[:-1], 2))
        arrays = [*arrays, ends]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=-1)
