"""Arrays as authors publish them: ``.npy``, ``.npz``, ``.pt``, ``.h5``, or of a pack.

An *address* is a path, followed by ``::key`` where the file holds several arrays:
``slowfast/abc.npz::features``, ``i3d.h5::abc``. Without a key, a file must hold one
array, or one under a usual name (:data:`USUAL_KEYS`).
"""

import os.path as osp
import re
import zipfile
import zlib
from typing import Any, Iterable, NamedTuple, Optional, Tuple

import numpy as np
import torch

from mmvtg.utils.tensor_files import load_tensors

from .pack_lookup import find_packed, packed_array

#: Names of the array that is meant if an address has no key, best first.
USUAL_KEYS = ('features', 'last_hidden_state', 'token')
SUFFIXES = ('.npy', '.npz', '.pt', '.pth', '.h5', '.hdf5')
_ARRAYS = (torch.Tensor, np.ndarray)
_NUMPY_FLOATS = (torch.float16, torch.float32, torch.float64)
_KEYED = re.compile(r'(.*?\.(?:npz|pt|pth|h5|hdf5))::(.+)')
_DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    RuntimeError,  # of h5py
    zipfile.BadZipFile,
    zlib.error,
)


def split_address(address: str) -> Tuple[str, Optional[str]]:
    """(path, key or None) of an address."""
    match = _KEYED.fullmatch(address)
    return (match[1], match[2]) if match else (address, None)


class ArrayHeader(NamedTuple):
    """Description of a stored array.

    Args:
        shape (tuple[int]): Number of rows first.
        dtype (np.dtype): Type of the numbers in the file.
    """

    shape: Tuple[int, ...]
    dtype: np.dtype


def read_array(address: str) -> np.ndarray:
    """The array at an address, in a byte order and type that torch takes.

    Raises:
        FileNotFoundError: There is no such file, or no such key in it.
        ValueError: The file is damaged, or holds objects instead of numbers; the
            message is the reason, without the path.
        ImportError: An HDF5 file, and h5py is not installed.
    """
    return _for_torch(_guarded(address, whole=True))


def map_array(address: str) -> np.ndarray:
    """As :func:`read_array`; of an ``.npy`` file only the rows that are used are read.

    Raises:
        As :func:`read_array`. Damage behind the header is found when rows are used.
    """
    if address.lower().endswith('.npy') and osp.isfile(address):
        try:
            array = np.load(address, mmap_mode='r', allow_pickle=False)
        except _DAMAGE as error:
            raise ValueError(str(error) or type(error).__name__) from error
        if _torch_dtype(array.dtype) == array.dtype:
            return array
    return read_array(address)


def array_header(address: str) -> ArrayHeader:
    """Shape and type of the array at an address, from its header if there is one.

    Raises:
        As :func:`read_array`. Damage behind the header is not seen.
    """
    found = _guarded(address, whole=False)
    return ArrayHeader(tuple(found.shape), np.dtype(found.dtype))


def array_shape(address: str) -> Tuple[int, ...]:
    """Return the shape of :func:`array_header`."""
    return array_header(address).shape


def is_numeric(dtype: np.dtype) -> bool:
    """Return True for real numbers, which features can be."""
    return dtype.kind in 'fiu'


def _torch_dtype(dtype: np.dtype) -> np.dtype:
    """Return the nearest type that all versions of torch take from numpy."""
    if dtype.kind == 'f' and dtype.itemsize > 8:
        return np.dtype(np.float64)
    if dtype.kind == 'u' and dtype.itemsize > 1:
        return np.dtype(np.int64)
    return dtype.newbyteorder('=')


def _for_torch(array: np.ndarray) -> np.ndarray:
    """Return the array itself, or a copy in the byte order of this machine."""
    return array.astype(_torch_dtype(array.dtype), copy=False)


def _guarded(address: str, whole: bool) -> Any:
    path, key = split_address(address)
    # not splitext, to which a name of dots has no suffix
    suffix = f'.{osp.basename(path).rpartition(".")[2].lower()}'
    if suffix not in _READERS:
        raise ValueError(f'file type {suffix!r} is none of {", ".join(SUFFIXES)}')
    if not osp.isfile(path):
        packed = find_packed(path)
        if packed is None:
            raise FileNotFoundError(path)
        return packed_array(packed) if whole else packed
    try:
        return _READERS[suffix](path, key, whole)
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(reason) from error


def _choose(path: str, key: Optional[str], present: Iterable[str]) -> str:
    """The key to read: the given one, a usual one, or the only one."""
    present = list(present)
    if key is not None:
        if key not in present:
            raise FileNotFoundError(f'{path} (has no array {key!r})')
        return key
    for usual in USUAL_KEYS:
        if usual in present:
            return usual
    if len(present) == 1:
        return present[0]
    raise ValueError(
        f'which of its arrays {sorted(present)[:5]} is meant? Write FILE::KEY in '
        'file_names'
    )


def _npy(path: str, key: Optional[str], whole: bool) -> Any:
    # mapped, so that a file that was cut off is found without reading it
    return np.load(path, mmap_mode=None if whole else 'r', allow_pickle=False)


def _npz(path: str, key: Optional[str], whole: bool) -> Any:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix('.npy') for name in archive.namelist()]
        name = _choose(path, key, names)
        with archive.open(f'{name}.npy') as member:
            if whole:
                return np.lib.format.read_array(member, allow_pickle=False)
            version = np.lib.format.read_magic(member)
            read = np.lib.format.read_array_header_2_0
            if version == (1, 0):
                read = np.lib.format.read_array_header_1_0
            shape, _, dtype = read(member)
            return ArrayHeader(shape, dtype)


def _torch(path: str, key: Optional[str], whole: bool) -> Any:
    content = load_tensors(path, map_location='cpu')
    if isinstance(content, dict):
        arrays = {k: v for k, v in content.items() if isinstance(v, _ARRAYS)}
        if not arrays:
            raise ValueError(
                f'holds a dict of {_type_names(content.values())} and no tensor'
            )
        content = arrays[_choose(path, key, arrays)]
    elif key is not None:
        raise FileNotFoundError(f'{path} (holds no dict with {key!r})')
    if not isinstance(content, _ARRAYS):
        raise ValueError(f'holds a {type(content).__name__} and no tensor')
    return content if isinstance(content, np.ndarray) else _to_numpy(content)


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """Return the numbers of any tensor, also a sparse or quantized one."""
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_floating_point() and tensor.dtype not in _NUMPY_FLOATS:
        tensor = tensor.float()  # bfloat16 and float8, which numpy lacks
    return tensor.resolve_conj().resolve_neg().numpy()


def _type_names(values: Iterable[Any]) -> str:
    return ', '.join(sorted({type(value).__name__ for value in values})) or 'nothing'


def _hdf5(path: str, key: Optional[str], whole: bool) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f'{path} is an HDF5 file; install its reader with "pip install h5py"'
        ) from error
    with h5py.File(path, 'r') as file:
        found = file.get(key if key is not None else _choose(path, None, file))
        if isinstance(found, h5py.Group):  # {video}/{the only array}
            found = found[_choose(path, None, found)]
        if found is None:
            raise FileNotFoundError(f'{path} (has no array {key!r})')
        return found[()] if whole else ArrayHeader(found.shape, found.dtype)


_READERS = {
    '.npy': _npy,
    '.npz': _npz,
    '.pt': _torch,
    '.pth': _torch,
    '.h5': _hdf5,
    '.hdf5': _hdf5,
}
