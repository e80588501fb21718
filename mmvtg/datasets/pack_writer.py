"""Writes packs that survive kills, full disks and second writers."""

import json
import os
import os.path as osp
import time
import zlib
from typing import Any, Dict, List, Optional

import torch
from torch import Tensor

from mmvtg.utils.locks import LockedError, ProcessLock

from .errors import BadSampleError
from .feature_pack import (
    DTYPES,
    FORMAT,
    FORMAT_VERSION,
    INDEX,
    ROWS,
    Entry,
    FeaturePack,
    read_index,
    to_bytes,
)
from .store_manifest import claim_folder


class StoreBusyError(RuntimeError):
    """Another process writes the same part of a store."""


class PackWriter:
    """Adds items to one part of a pack.

    Rows are appended to a file, and some seconds later, when they are safe on the disk,
    the lines that name them to the index. A kill or a power cut loses what was written
    since; the next writer of the part cuts off what no line names.

    Args:
        folder (str): The pack; is made.
        manifest (dict): How the features are made: at least ``row_shape`` and
            ``dtype``.
        part (str): Name of the part; one process at a time writes it.
        flush_seconds (float): Most seconds of work that a kill may lose.

    Raises:
        ValueError: The pack holds features that were made otherwise; both values are in
            the message.
        StoreBusyError: Another process writes this part.
    """

    def __init__(
        self,
        folder: str,
        manifest: Dict[str, Any],
        part: str = 'main',
        flush_seconds: float = 5.0,
    ) -> None:
        if manifest['dtype'] not in DTYPES:
            raise ValueError(
                f'{folder}: a pack holds {", ".join(DTYPES)}, not {manifest["dtype"]}'
            )
        own = dict(format=FORMAT, format_version=FORMAT_VERSION)
        claim_folder(folder, dict(manifest, **own))
        self.folder, self.part, self.flush_seconds = folder, part, flush_seconds
        self.row_shape = tuple(manifest['row_shape'])
        self.dtype = getattr(torch, manifest['dtype'])
        path = osp.join(folder, part + INDEX)
        self._index = open(path, 'ab', buffering=0)  # noqa: SIM115
        try:
            self._lock = ProcessLock(self._index, osp.join(folder, f'.{part}.owner'))
            self._recover()
        except LockedError as error:
            self._index.close()
            raise StoreBusyError(
                f'{folder}: part {part!r} is being written by another process '
                f'({error}); wait for it, or let both share the work with --shard i/n'
            ) from error
        except BaseException:
            self._index.close()
            raise

    def _recover(self) -> None:
        """Cut off what a killed writer left behind the last whole item."""
        path = osp.join(self.folder, self.part + INDEX)
        entries, good = read_index(path, self.part)
        self._index.truncate(good)
        self._committed_index = good
        self._row_bytes = torch.Size(self.row_shape).numel() * self.dtype.itemsize
        self._next = max((e.start + e.rows for e in entries.values()), default=0)
        path = osp.join(self.folder, self.part + ROWS)
        self._rows = open(path, 'ab', buffering=0)  # noqa: SIM115
        size = os.fstat(self._rows.fileno()).st_size
        if size < self._next * self._row_bytes:
            self._rows.close()
            raise ValueError(
                f'{self.folder}: {self.part}{ROWS} has {size} bytes and its index '
                f'names {self._next * self._row_bytes}; the file was cut off. Delete '
                f'{self.part}{ROWS} and {self.part}{INDEX} and extract again'
            )
        self._rows.truncate(self._next * self._row_bytes)
        self._present = FeaturePack(self.folder).entries
        self._pending: List[bytes] = []
        self._last_flush = time.monotonic()

    def __contains__(self, name: object) -> bool:
        return str(name) in self._present

    def write(self, name: object, rows: Tensor) -> None:
        """Add an item; it can be read after the next flush.

        Args:
            name (object): Its id.
            rows (Tensor): (rows, ...) of the pack's shape and type.

        Raises:
            BadSampleError: Another shape or type, or a number that is not finite.
            OSError: The disk is full or fails; the pack is left as it was before.
        """
        self._check(name, rows)
        data = to_bytes(rows)
        end = self._next * self._row_bytes
        try:
            _write_all(self._rows.fileno(), data)
        except OSError as error:
            self._rows.truncate(end)
            self.flush()
            raise _explain(error, self.folder, name) from error
        entry = Entry(self.part, self._next, len(rows), zlib.crc32(data))
        self._present[str(name)] = entry
        item = dict(id=str(name), **entry._asdict())
        del item['part']
        self._pending.append(json.dumps(item).encode() + b'\n')
        self._next += len(rows)
        if time.monotonic() - self._last_flush > self.flush_seconds:
            self.flush()

    def _check(self, name: object, rows: Tensor) -> None:
        if tuple(rows.shape[1:]) != self.row_shape or rows.dtype != self.dtype:
            raise BadSampleError(
                f'features of {name} are {tuple(rows.shape)} {rows.dtype}, and '
                f'{self.folder} holds (rows, {", ".join(map(str, self.row_shape))}) '
                f'{self.dtype}'
            )
        if not rows.isfinite().all():
            raise BadSampleError(
                f'features of {name} are not finite in {rows.dtype}; use weights that '
                'do not overflow, or store them in a wider type (--dtype)'
            )

    def flush(self) -> None:
        """Make what was written so far safe and readable.

        Raises:
            OSError: The disk is full or fails; what the last flush made safe remains.
        """
        if self._pending:
            try:
                os.fsync(self._rows.fileno())
                lines = b''.join(self._pending)
                _write_all(self._index.fileno(), lines)
                os.fsync(self._index.fileno())
            except OSError as error:
                self._index.truncate(self._committed_index)
                raise _explain(error, self.folder, 'the index') from error
            self._committed_index += len(lines)
            self._pending = []
        self._last_flush = time.monotonic()

    def close(self) -> None:
        """Flush and let others write this part."""
        if self._index.closed:
            return
        try:
            self.flush()
        finally:
            self._rows.close()
            self._lock.release()

    def __enter__(self) -> 'PackWriter':
        return self

    def __exit__(self, *error: Optional[object]) -> None:
        self.close()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _explain(error: OSError, folder: str, name: object) -> OSError:
    return OSError(
        error.errno,
        f'{folder}: {name} could not be written ({error.strerror}); what was stored '
        'before is whole. Make room and run the same command again: it goes on from '
        'there',
    )
