"""The project's own feature store: one folder a data set, mapped into memory.

A pack is a folder with a ``manifest.json`` (``"format": "mmvtg-pack"``) and one or more
parts. A part is a pair of files: ``{part}.rows``, the rows of all its items one after
the other as raw numbers, and ``{part}.index``, one JSON line an item::

    {"id": "v1", "start": 0, "rows": 30, "crc32": 2774110113}

``start`` and ``rows`` count rows of the manifest's ``row_shape`` and ``dtype``. Each
process that writes has a part of its own, so several may write one pack, and what the
index does not name does not exist (:mod:`mmvtg.datasets.pack_writer`).
"""

import glob
import json
import os.path as osp
import zlib
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from .errors import BadSampleError
from .store_manifest import MANIFEST, read_manifest

FORMAT = 'mmvtg-pack'
FORMAT_VERSION = 1
ROWS, INDEX = '.rows', '.index'
DTYPES = ('float16', 'bfloat16', 'float32')


class Entry(NamedTuple):
    """Where an item lies.

    Args:
        part (str): Name of the part.
        start (int): First row in the part.
        rows (int): Number of rows.
        crc32 (int): Of the item's bytes.
    """

    part: str
    start: int
    rows: int
    crc32: int


def read_index(path: str, part: str) -> Tuple[Dict[str, Entry], int]:
    """The items of a part, up to the first line that is not whole.

    Args:
        path (str): ``.index`` file.
        part (str): Name of the part.

    Returns:
        tuple: id -> entry, and how many bytes of the file are good.
    """
    entries: Dict[str, Entry] = {}
    good = 0
    with open(path, 'rb') as file:
        for line in file:
            try:
                item = json.loads(line)
                entry = Entry(part, item['start'], item['rows'], item['crc32'])
                if not line.endswith(b'\n'):
                    break
            except (ValueError, KeyError, TypeError):  # a write that was cut off
                break
            entries[item['id']] = entry
            good += len(line)
    return entries, good


def is_pack(folder: str) -> bool:
    """Whether a folder is a pack."""
    manifest = read_manifest(folder)
    return manifest is not None and manifest.get('format') == FORMAT


class FeaturePack:
    """Reads a pack: ``pack['v1']`` is a tensor (rows, ...), without a copy.

    The numbers stay in the file until they are used, and processes on one machine share
    them in the page cache.

    Args:
        folder (str): The pack.
        preload (str, optional): ``'ram'`` reads everything once; ``'cuda'``, or any
            other device, moves it there. What does not fit raises the device's own
            error.

    Raises:
        BadSampleError: The folder is no pack, or of a later version.
    """

    def __init__(self, folder: str, preload: Optional[str] = None) -> None:
        manifest = read_manifest(folder)
        if manifest is None or manifest.get('format') != FORMAT:
            raise BadSampleError(
                f'{folder} is no feature pack: there is no {MANIFEST} of format '
                f'{FORMAT!r}; make one with tools/extract_features.py, or import a '
                'folder with tools/dataset_converters/feature_pack.py'
            )
        if manifest.get('format_version') != FORMAT_VERSION:
            raise BadSampleError(
                f'{folder} is a pack of version {manifest.get("format_version")!r}, '
                f'and this mmvtg reads {FORMAT_VERSION}: extract again, or take the '
                'mmvtg that wrote it'
            )
        self.folder = folder
        self.manifest: Dict[str, Any] = manifest
        self.preload = preload
        self.row_shape: Tuple[int, ...] = tuple(manifest['row_shape'])
        self.dtype: torch.dtype = getattr(torch, manifest['dtype'])
        self.entries: Dict[str, Entry] = {}
        self._rows: Dict[str, Tensor] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look again what is in the folder; another process may have added to it."""
        self.entries, self._rows = {}, {}
        self._seen = self._index_sizes()
        for path in self._seen:
            part = osp.basename(path).removesuffix(INDEX)
            entries, _ = read_index(path, part)
            whole = self._map(part, entries)
            kept = {k: e for k, e in entries.items() if e.start + e.rows <= whole}
            self.entries.update({**kept, **self.entries})

    def is_stale(self) -> bool:
        """Whether somebody wrote to the pack since it was read."""
        return self._index_sizes() != self._seen

    def _index_sizes(self) -> Dict[str, int]:
        pattern = osp.join(glob.escape(self.folder), f'*{INDEX}')
        return {path: osp.getsize(path) for path in sorted(glob.glob(pattern))}

    def _map(self, part: str, entries: Dict[str, Entry]) -> int:
        """Map the rows of a part; returns how many there are."""
        path = osp.join(self.folder, part + ROWS)
        row = int(np.prod(self.row_shape))
        size = osp.getsize(path) if osp.isfile(path) else 0
        total = min(
            size // (row * self.dtype.itemsize),
            max((e.start + e.rows for e in entries.values()), default=0),
        )
        if total == 0:
            return 0
        flat = torch.from_file(path, shared=False, size=total * row, dtype=self.dtype)
        rows = flat.view(total, *self.row_shape)
        if self.preload == 'ram':
            rows = rows.clone()
        elif self.preload is not None:
            rows = rows.to(self.preload)
        self._rows[part] = rows
        return total

    @property
    def num_bytes(self) -> int:
        """Size of all rows, which is what ``preload`` needs."""
        return sum(rows.numel() * rows.element_size() for rows in self._rows.values())

    def ids(self) -> List[str]:
        """What there is, in the order in which it was written."""
        return list(self.entries)

    def length(self, name: object) -> int:
        """Number of rows of an item.

        Raises:
            KeyError: There is no such item.
        """
        return self.entries[str(name)].rows

    def __contains__(self, name: object) -> bool:
        return str(name) in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, name: object) -> Tensor:
        """(rows, ...) of an item, a view of the store: do not change it in place.

        Raises:
            KeyError: There is no such item.
        """
        entry = self.entries[str(name)]
        return self._rows[entry.part][entry.start : entry.start + entry.rows]

    def damaged(self) -> Iterator[str]:
        """Read everything and name the items whose numbers are not what was written."""
        for name, entry in self.entries.items():
            if checksum(self[name]) != entry.crc32:
                yield name


def to_bytes(rows: Tensor) -> memoryview:
    """The numbers of a tensor as they lie in memory."""
    flat = rows.detach().cpu().contiguous().flatten()
    return memoryview(flat.view(torch.uint8).numpy())


def checksum(rows: Tensor) -> int:
    """crc32 of the numbers of a tensor."""
    return zlib.crc32(to_bytes(rows))
