"""Keeps what was computed last, up to a size."""

import os
import os.path as osp
from collections import OrderedDict
from typing import Any, Hashable, Tuple


class FeatureCache:
    """A dict that forgets what was used longest ago when it grows too large.

    Args:
        max_bytes (int): Of all values together. 0 keeps nothing.

    Attributes:
        nbytes (int): Of what is kept.
    """

    def __init__(self, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ValueError(f'FeatureCache: max_bytes = {max_bytes} is negative')
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._items: OrderedDict[Hashable, Tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: Hashable) -> Any:
        """The value, or None."""
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
        """Forget so much that a value of this size fits; False if it never does."""
        if nbytes > self.max_bytes:
            return False
        while self.nbytes + nbytes > self.max_bytes:
            self.nbytes -= self._items.popitem(last=False)[1][1]
        return True


def fingerprint(path: str) -> Tuple[str, int, int]:
    """Names a file and its content: a file that was replaced is another one."""
    if not osp.isfile(path):
        return osp.abspath(path), 0, 0  # whoever opens it says so
    status = os.stat(path)
    return osp.abspath(path), status.st_mtime_ns, status.st_size
