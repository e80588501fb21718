"""Files that are, at any moment, either the old or the new one."""

import os
import os.path as osp
import tempfile
from typing import Union


def write_atomic(path: Union[str, os.PathLike], data: bytes) -> None:
    """Write a whole file, or leave what was there.

    Args:
        path (str): Target; its folder is made.
        data (bytes): The whole content.
    """
    path = os.fspath(path)
    folder = osp.dirname(osp.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f'.{osp.basename(path)}.')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes it private
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
