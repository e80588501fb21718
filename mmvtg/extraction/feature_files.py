"""Feature files: one ``.npy`` per video or query, written atomically."""

import io
import os.path as osp
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.store_manifest import claim_folder
from mmvtg.utils.files import write_atomic


class NpyFolder:
    """Folder with one ``{id}.npy`` per item, the layout that authors publish.

    Args:
        folder (str): Feature folder, created if it does not exist.
        manifest (dict): Description of the features.

    Raises:
        ValueError: If the folder holds features that were made differently, or numpy
            lacks the type in ``manifest``.
    """

    def __init__(self, folder: str, manifest: dict[str, Any]) -> None:
        if manifest['dtype'] == 'bfloat16':
            raise ValueError(f'{folder}: .npy files cannot hold bfloat16; make a pack')
        claim_folder(folder, manifest)
        self.folder = folder
        self.row_shape, self.dtype = manifest['row_shape'], manifest['dtype']

    def __contains__(self, name: object) -> bool:
        path = feature_path(self.folder, name)
        return is_complete(path, self.row_shape, self.dtype)

    def write(self, name: object, rows: Tensor) -> None:
        """Write the features of an item (rows, ...); see :func:`save_features`."""
        save_features(self.folder, name, rows)

    def close(self) -> None:
        """Do nothing: no file stays open."""


def feature_path(folder: str, name: object) -> str:
    """Return the path of the features of a video or query.

    Raises:
        BadSampleError: If the name leads out of the folder.
    """
    path = osp.join(folder, f'{name}.npy')
    if osp.isabs(str(name)) or osp.relpath(path, folder).startswith('..'):
        raise BadSampleError(f'the id {name!r} leads out of {folder}; rename it')
    return path


def is_complete(path: str, row_shape: Sequence[int], dtype: str) -> bool:
    """Return True if a file holds features of this row shape and type.

    Args:
        path (str): ``.npy`` file.
        row_shape (Sequence[int]): Shape of one clip or one token.
        dtype (str): Name of the type in numpy.
    """
    try:
        array = np.load(path, mmap_mode='r', allow_pickle=False)
    except (OSError, ValueError, EOFError):  # missing, truncated, or another format
        return False
    return array.shape[1:] == tuple(row_shape) and array.dtype == np.dtype(dtype)


def save_features(folder: str, name: object, features: Tensor) -> None:
    """Write features atomically.

    Args:
        folder (str): Feature folder.
        name (object): Id of the video or query.
        features (Tensor): (rows, ...), one row per clip or token.

    Raises:
        BadSampleError: If a number is not finite in the type of the store, or the name
            leads out of the folder.
        OSError: If the disk is full or fails; no file of that name is left.
    """
    array = features.cpu().numpy()
    if not np.isfinite(array).all():
        raise BadSampleError(
            f'features of {name} are not finite in {array.dtype}; use weights that do '
            "not overflow, or a wider storage_dtype of LayerTap ('float32')"
        )
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    path = feature_path(folder, name)
    try:
        write_atomic(path, buffer.getbuffer())
    except OSError as error:
        raise OSError(
            error.errno,
            f'{path} could not be written ({error.strerror}); what was stored before '
            'is whole. Make room and run the same command again: it goes on from there',
        ) from error
