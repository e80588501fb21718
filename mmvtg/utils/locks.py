"""Locks that end with the process that holds them."""

import errno
import os
import socket
from contextlib import suppress
from typing import IO, Any
from weakref import WeakSet

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_BUSY = (errno.EWOULDBLOCK, errno.EACCES)


class LockedError(RuntimeError):
    """Error if another process holds a lock; the message is its pid and host."""


class ProcessLock:
    """Exclusive lock on an open file, without waiting.

    The system releases the lock when the process ends, even by SIGKILL. A forked child,
    such as a worker of a data loader, closes its copy of the file, so a child that
    outlives its parent does not keep the lock.

    Args:
        file (IO): Open file to lock, unbuffered.
        note (str): Path of a file that names the pid and host of the holder; deleted by
            :meth:`release`.

    Raises:
        LockedError: If another process, or another open file, holds the lock.
        OSError: If the file system has no locks, or ``note`` cannot be written.
    """

    def __init__(self, file: IO[Any], note: str) -> None:
        self.file, self.note = file, note
        if fcntl is None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _BUSY:
                raise
            raise LockedError(self._owner()) from error
        _HELD.add(self)
        with open(note, 'w') as text:
            text.write(f'pid {os.getpid()} on {socket.gethostname()}')

    def _owner(self) -> str:
        try:
            with open(self.note) as text:
                return text.read() or 'unknown'
        except OSError:
            return 'unknown'

    def release(self) -> None:
        """Delete the note and close the file, which ends the lock."""
        if not self.file.closed:
            with suppress(OSError):
                os.unlink(self.note)
            self.file.close()


_HELD: 'WeakSet[ProcessLock]' = WeakSet()


def _close_in_child() -> None:
    for lock in _HELD:
        lock.file.close()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_close_in_child)
