"""Finds in packs what is named like a file: ``features.pack/v1.npy`` is item ``v1``."""

import os.path as osp
from typing import Dict, NamedTuple, Optional, Tuple

import numpy as np
import torch

from .feature_pack import FeaturePack, is_pack

_Key = Tuple[str, Optional[str]]
_opened: Dict[_Key, FeaturePack] = {}


class PackedItem(NamedTuple):
    """An item of a pack.

    Args:
        pack (FeaturePack): The pack.
        name (str): Id of the item.
    """

    pack: FeaturePack
    name: str

    @property
    def shape(self) -> Tuple[int, ...]:
        """(rows, ...) of the item."""
        return (self.pack.length(self.name), *self.pack.row_shape)

    @property
    def dtype(self) -> np.dtype:
        """Type of the rows as numpy arrays; see :func:`packed_array`."""
        name = self.pack.manifest['dtype']
        return np.dtype('float32' if name == 'bfloat16' else name)


def open_pack(folder: str, preload: Optional[str] = None) -> FeaturePack:
    """A pack, opened once a process.

    Args:
        folder (str): The pack.
        preload (str, optional): See :class:`FeaturePack`.

    Raises:
        BadSampleError: The folder is no pack.
    """
    key = (osp.abspath(folder), preload)
    if key not in _opened:
        _opened[key] = FeaturePack(folder, preload)
    return _opened[key]


def find_packed(path: str, preload: Optional[str] = None) -> Optional[PackedItem]:
    """The item that a path names, if the path leads into a pack.

    Args:
        path (str): ``{pack}/{id}`` or ``{pack}/{id}.npy``; ids may have slashes.
        preload (str, optional): See :class:`FeaturePack`.

    Returns:
        PackedItem, optional: None if there is no pack, or no such item in it.

    Raises:
        BadSampleError: The manifest of the folder is damaged.
    """
    folder = osp.dirname(osp.abspath(path))
    while not ((folder, preload) in _opened or is_pack(folder)):
        parent = osp.dirname(folder)
        if osp.isdir(folder) or parent == folder:
            return None  # a real folder that is no pack
        folder = parent
    pack = open_pack(folder, preload)
    item = osp.relpath(osp.abspath(path), folder)
    names = (item, osp.splitext(item)[0])
    if not any(name in pack for name in names) and pack.is_stale():
        pack.refresh()
    for name in names:
        if name in pack:
            return PackedItem(pack, name)
    return None


def packed_array(item: PackedItem) -> np.ndarray:
    """The numbers of an item, a view where numpy knows the type.

    Args:
        item (PackedItem): An item of a pack on the CPU.

    Returns:
        np.ndarray: (rows, ...); bfloat16, which numpy lacks, becomes float32.
    """
    rows = item.pack[item.name]
    return (rows.float() if rows.dtype == torch.bfloat16 else rows).numpy()
