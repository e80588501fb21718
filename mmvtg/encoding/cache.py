"""Cache of features, bounded by their size, and the identity of files."""

import os
import os.path as osp
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class FeatureCache:
    """A dict that forgets the least recently used values when it grows too large.

    Args:
        max_bytes (int): Maximum total size of the cached values, in bytes; 0 disables
            the cache.

    Attributes:
        nbytes (int): Total size of the cached values.

    Raises:
        ValueError: If ``max_bytes`` is negative.
    """

    def __init__(self, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ValueError(f'FeatureCache: max_bytes = {max_bytes} is negative')
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._items: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: Hashable) -> Any:
        """Return the value, or None."""
        if key not in self._items:
            return None
        self._items.move_to_end(key)
        return self._items[key][0]

    def put(self, key: Hashable, value: Any, nbytes: int) -> None:
        """Keep a value of a size; one larger than the whole cache is not kept."""
        if key in self._items:
            self.nbytes -= self._items.pop(key)[1]
        if self.make_room(nbytes):
            self._items[key] = (value, nbytes)
            self.nbytes += nbytes

    def make_room(self, nbytes: int) -> bool:
        """Forget values until one of this size fits; return False if it never does."""
        if nbytes > self.max_bytes:
            return False
        while self.nbytes + nbytes > self.max_bytes:
            self.nbytes -= self._items.popitem(last=False)[1][1]
        return True


def fingerprint(path: str) -> tuple:
    """Return the identity of a file; a file that was overwritten has another one.

    Size and time of change alone can be equal for different content; the inode and the
    time of its last change cannot be set back. A folder of images is identified by its
    files.
    """
    full = osp.abspath(path)
    if osp.isdir(full):
        entries = sorted(os.scandir(full), key=lambda entry: entry.name)
        return (full, *((one.name, *_status(one.path)) for one in entries))
    return (full, *_status(full))


def _status(path: str) -> tuple[int, int, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0, 0, 0  # whoever opens it reports it
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
