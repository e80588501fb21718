"""Arrays as authors publish them: ``.npy``, ``.npz``, ``.pt``, ``.h5``, or of a pack.

An *address* is a path, followed by ``::key`` where the file holds several arrays:
``slowfast/abc.npz::features``, ``i3d.h5::abc``. Without a key, a file must hold one
array, or one under a usual name (:data:`USUAL_KEYS`).
"""

import os.path as osp
import re
import zipfile
import zlib
from typing import Any, Iterable, Optional, Tuple

import numpy as np
import torch

from mmvtg.utils.tensor_files import load_tensors

from .pack_lookup import find_packed, packed_array

#: Names of the array that is meant if an address has no key, best first.
USUAL_KEYS = ('features', 'last_hidden_state', 'token')
SUFFIXES = ('.npy', '.npz', '.pt', '.pth', '.h5', '.hdf5')
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


def read_array(address: str) -> np.ndarray:
    """The array at an address.

    Raises:
        FileNotFoundError: There is no such file, or no such key in it.
        ValueError: The file is damaged, or holds objects instead of numbers; the
            message is the reason, without the path.
        ImportError: An HDF5 file, and h5py is not installed.
    """
    return _guarded(address, whole=True)


def map_array(address: str) -> np.ndarray:
    """As :func:`read_array`; of an ``.npy`` file only the rows that are used are read.

    Raises:
        As :func:`read_array`. Damage behind the header is found when rows are used.
    """
    if address.lower().endswith('.npy') and osp.isfile(address):
        try:
            return np.load(address, mmap_mode='r', allow_pickle=False)
        except _DAMAGE as error:
            raise ValueError(str(error) or type(error).__name__) from error
    return read_array(address)


def array_shape(address: str) -> Tuple[int, ...]:
    """Shape of the array at an address, of its header alone where the format has one.

    Raises:
        As :func:`read_array`. Damage behind the header is not seen.
    """
    return _guarded(address, whole=False)


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
        return packed_array(packed) if whole else packed.shape
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
    if whole:
        return np.load(path, allow_pickle=False)
    return np.load(path, mmap_mode='r', allow_pickle=False).shape


def _npz(path: str, key: Optional[str], whole: bool) -> Any:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix('.npy') for name in archive.namelist()]
        name = _choose(path, key, names)
        with archive.open(f'{name}.npy') as member:
            if whole:
                return np.lib.format.read_array(member, allow_pickle=False)
            version = np.lib.format.read_magic(member)
            if version == (1, 0):
                return np.lib.format.read_array_header_1_0(member)[0]
            return np.lib.format.read_array_header_2_0(member)[0]


def _torch(path: str, key: Optional[str], whole: bool) -> Any:
    content = load_tensors(path, map_location='cpu')
    if isinstance(content, dict):
        tensors = {k: v for k, v in content.items() if torch.is_tensor(v)}
        content = tensors[_choose(path, key, tensors)]
    elif key is not None:
        raise FileNotFoundError(f'{path} (holds no dict with {key!r})')
    if not torch.is_tensor(content):
        raise ValueError(f'holds a {type(content).__name__} and no tensor')
    if content.dtype == torch.bfloat16:  # which numpy does not know
        content = content.float()
    return content.numpy() if whole else tuple(content.shape)


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
        return found[()] if whole else found.shape


_READERS = {
    '.npy': _npy,
    '.npz': _npz,
    '.pt': _torch,
    '.pth': _torch,
    '.h5': _hdf5,
    '.hdf5': _hdf5,
}
