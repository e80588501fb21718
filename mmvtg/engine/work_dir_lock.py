"""One training at a time in a work dir."""

import os
import os.path as osp
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from mmvtg.utils.locks import LockedError, ProcessLock

#: Variables of a launcher that contain the rank of the process.
_RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


class WorkDirBusyError(RuntimeError):
    """Error if another training uses a work dir."""


@contextmanager
def work_dir_lock(work_dir: str, launcher: str = 'none') -> Iterator[None]:
    """Hold the lock of a work dir; of several processes, only rank 0 holds the lock.

    Two trainings in one folder would overwrite and delete the checkpoints of each
    other. The lock ends with its process, so a killed run can be resumed at once.

    Args:
        work_dir (str): Folder for logs and checkpoints; created if missing.
        launcher (str): ``none``, ``pytorch``, ``slurm`` or ``mpi``.

    Raises:
        WorkDirBusyError: If another training uses ``work_dir``.
    """
    if int(os.environ.get(_RANKS.get(launcher, ''), '0')) != 0:
        yield
        return
    os.makedirs(work_dir, exist_ok=True)
    with open(osp.join(work_dir, '.train.lock'), 'ab', buffering=0) as file:
        lock = _lock(file, work_dir)
        try:
            yield
        finally:
            if lock:
                lock.release()


def _lock(file: IO[Any], work_dir: str) -> ProcessLock | None:
    """Return the lock, or None on a file system without locks."""
    try:
        return ProcessLock(file, osp.join(work_dir, '.train.owner'))
    except LockedError as error:
        raise WorkDirBusyError(
            f'{work_dir} is in use by another training ({error}); wait for it to end, '
            'or choose another folder with --work-dir'
        ) from error
    except OSError as error:
        warnings.warn(
            f'{work_dir} cannot be locked ({error.strerror}); a second training in '
            'this folder would not be noticed',
            stacklevel=2,
        )
        return None
