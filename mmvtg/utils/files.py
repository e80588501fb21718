"""Files that are, at any moment, either the old or the new one."""

import os
import os.path as osp
import tempfile
from contextlib import contextmanager
from typing import Iterator, Union


@contextmanager
def replacing(path: Union[str, os.PathLike]) -> Iterator[str]:
    """A temporary file that takes the place of ``path`` if the block succeeds.

    It lies in the same folder and ends alike, for writers that choose the format by the
    name: ``.<name>.<random>.part<suffix>``. Only a kill leaves it behind.

    Args:
        path (str): Target; its folder is made.

    Yields:
        str: The temporary file, empty, to be written by the block.
    """
    path = os.fspath(path)
    folder, name = osp.split(osp.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        dir=folder, prefix=f'.{name}.', suffix=f'.part{osp.splitext(name)[1]}'
    )
    os.close(handle)
    try:
        yield temporary
        with open(temporary, 'rb+') as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes it private
        os.replace(temporary, path)
    except BaseException as error:
        if osp.exists(temporary):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and not error.filename:
            error.filename = path  # A failed write does not name its file.
        raise


def write_atomic(path: Union[str, os.PathLike], data: bytes) -> None:
    """Write a whole file, or leave what was there.

    Args:
        path (str): Target; its folder is made.
        data (bytes): The whole content.
    """
    with replacing(path) as temporary, open(temporary, 'wb') as file:
        file.write(data)
