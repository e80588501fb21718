"""Stored features: one array a video and stream, one a query, and their manifest."""

from typing import Any, Callable, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from .array_files import array_header, is_numeric, read_array
from .errors import BadSampleError
from .store_manifest import complete_manifest, read_manifest

#: How many clips features and duration may disagree, unless a data set says otherwise.
MAX_LENGTH_GAP = 4
#: Number of axes -> what they are, of stored videos and queries.
VIDEO_AXES = {4: '(T, N, P, C)', 2: '(T, C)'}
QUERY_AXES = {3: '(L, N, C)', 2: '(L, C)'}


def check_manifest(
    folder: Optional[str],
    fps: Union[float, str],
    expected: Optional[Mapping[str, Any]] = None,
) -> None:
    """Refuse features that were made otherwise than the config says.

    Folders without a manifest (those that authors published) pass.

    Args:
        folder (str, optional): Feature folder.
        fps (float | str): Clips per second of the config; ``'auto'`` fits any.
        expected (dict, optional): What else the manifest must say: ``model``,
            ``layers``, ``row_shape`` (None in it fits any size), ``weights_sha256``,
            ... Fields that the manifest lacks are not compared.

    Raises:
        BadSampleError: Both values are in the message; or the manifest is damaged.
    """
    manifest = read_manifest(folder) if folder else None
    if manifest is None:
        return
    manifest = complete_manifest(manifest)
    stored = manifest.get('fps')
    # 'auto' spreads whatever is there over the duration; lengths are checked anyway
    if stored is not None and fps != 'auto' and not _same_rate(stored, fps):
        raise BadSampleError(
            f'the features in {folder} were made at {stored} clips per second, the '
            f'config asks for {fps}; set fps in the config, or extract them again'
        )
    differ = [
        f'{field} is {manifest[field]!r} there and {_plain(value)!r} in the config'
        for field, value in (expected or {}).items()
        if field in manifest and not _fits(manifest[field], value, field)
    ]
    if differ:
        raise BadSampleError(
            f'the features in {folder} do not fit the config: {"; ".join(differ)}. '
            'Point data_prefix at other features, correct `encoding` of the config, '
            'or extract them again into another folder'
        )


def _same_rate(stored: Any, fps: float) -> bool:
    return isinstance(stored, (int, float)) and abs(stored - fps) <= 1e-6


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (tuple, list)) else value


def _fits(stored: Any, wanted: Any, field: str) -> bool:
    if field == 'row_shape':
        return row_fits(stored, wanted)
    if field == 'hooks':
        return [hook['type'] for hook in stored] == list(wanted)
    return stored == _plain(wanted)


def row_fits(shape: Sequence[int], wanted: Optional[Sequence]) -> bool:
    """Whether the shape of a clip or token is as expected; None fits any size."""
    if wanted is None:
        return True
    return len(shape) == len(wanted) and all(
        want is None or size == want for size, want in zip(shape, wanted)
    )


def check_file(
    address: str, axes: Mapping[int, str], row_shape: Optional[Sequence] = None
) -> Tuple[Optional[str], int]:
    """What the header of a feature file says.

    Args:
        address (str): See :mod:`mmvtg.datasets.array_files`.
        axes (dict): Number of axes -> layout, of those that are allowed.
        row_shape (Sequence, optional): Shape of a clip or token, None for any size.

    Returns:
        tuple: The problem or None, and the number of clips or tokens.
    """
    try:
        shape, dtype = array_header(address)
    except FileNotFoundError:
        return 'missing feature file', 0
    except ValueError:
        return 'damaged feature file', 0
    problem = None
    if len(shape) not in axes or shape[0] == 0:
        layouts = ' or '.join(axes.values())
        problem = f'features of shape {tuple(shape)} instead of {layouts}'
    elif not is_numeric(dtype):
        problem = f'features of type {dtype} instead of numbers'
    elif not row_fits(shape[1:], row_shape):
        wanted = ', '.join('any' if size is None else str(size) for size in row_shape)
        problem = (
            f'features of shape {tuple(shape)} where the config says (*, {wanted})'
        )
    return problem, shape[0] if shape else 0


def load_array(
    address: str,
    name: str,
    axes: Mapping[int, str],
    read: Callable[[str], np.ndarray] = read_array,
    part: Optional[Callable[[np.ndarray], np.ndarray]] = None,
) -> np.ndarray:
    """Load one stored feature array and see that it can be used.

    Args:
        address (str): See :mod:`mmvtg.datasets.array_files`.
        name (str): Whose features, for messages.
        axes (dict): Number of axes -> layout, of those that are allowed.
        read (callable): :func:`read_array`, or ``map_array`` for large ones.
        part (callable, optional): Takes of the array what is wanted, which alone is
            read, if it is mapped, and checked for NaN.

    Raises:
        BadSampleError: The file is missing, damaged, of another shape, or holds NaN or
            infinite numbers.
    """
    try:
        array = read(address)
    except FileNotFoundError as error:
        raise BadSampleError(
            f'{name}: feature file {address} is missing; make it with '
            'tools/extract_features.py'
        ) from error
    except ValueError as error:
        raise BadSampleError(
            f'{name}: feature file {address} is damaged ({error}); delete it and '
            'download or extract it again'
        ) from error
    if array.ndim not in axes or array.shape[0] == 0 or not is_numeric(array.dtype):
        raise BadSampleError(
            f'{name}: {address} has shape {array.shape} and type {array.dtype}, '
            f'expected numbers of {" or ".join(axes.values())} with at least one row'
        )
    if part is not None:
        array = part(array)
        # the rest of the file is not kept and not handed on
        mapped = isinstance(array, np.memmap)
        array = np.array(array) if mapped else np.ascontiguousarray(array)
    if array.dtype.kind != 'f':
        return array  # whole numbers are finite, and frames are many
    # one NaN or infinity anywhere makes the sum of the row sums not finite
    with np.errstate(over='ignore', invalid='ignore'):
        fine = np.isfinite(array.sum(dtype=np.float32))
    if not fine and not np.isfinite(array).all():
        raise BadSampleError(
            f'{name}: {address} holds NaN or infinite numbers; extract it again'
        )
    return array
