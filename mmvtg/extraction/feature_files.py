"""Feature files: one ``.npy`` a video or query, whole or not there."""

import io
import os.path as osp
from typing import Sequence

import numpy as np
from torch import Tensor

from mmvtg.datasets.errors import BadSampleError
from mmvtg.utils.files import write_atomic


def feature_path(folder: str, name: object) -> str:
    """Where the features of a video or query lie."""
    return osp.join(folder, f'{name}.npy')


def is_complete(path: str, row_shape: Sequence[int], dtype: str) -> bool:
    """Whether a file holds features of that row shape, so that it need not be made.

    Args:
        path (str): ``.npy`` file.
        row_shape (Sequence[int]): Shape of one clip or one token.
        dtype (str): numpy's name of the type.
    """
    try:
        array = np.load(path, mmap_mode='r', allow_pickle=False)
    except (OSError, ValueError, EOFError):  # missing, cut off, or no npy
        return False
    return array.shape[1:] == tuple(row_shape) and array.dtype == np.dtype(dtype)


def save_features(folder: str, name: object, features: Tensor) -> None:
    """Write features atomically.

    Args:
        folder (str): Feature folder.
        name (object): Id of the video or query.
        features (Tensor): (rows, ...).

    Raises:
        BadSampleError: Some number is not finite in the type of the store.
    """
    array = features.cpu().numpy()
    if not np.isfinite(array).all():
        raise BadSampleError(
            f'features of {name} are not finite in {array.dtype}; use weights that do '
            "not overflow, or a wider storage_dtype of LayerTap ('float32')"
        )
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_atomic(feature_path(folder, name), buffer.getbuffer())


def stack_layers(layers: Sequence[Tensor], pooled: Tensor) -> Tensor:
    """What is stored of a tower's output: the tapped layers, or else one vector a row.

    Args:
        layers (Sequence[Tensor]): N of (rows, ..., C).
        pooled (Tensor): (rows, C).

    Returns:
        Tensor: (rows, N, ..., C), or (rows, C) in half precision.
    """
    if not layers:
        return pooled.half()
    out = layers[0].new_empty(len(layers[0]), len(layers), *layers[0].shape[1:])
    for index, layer in enumerate(layers):
        out[:, index] = layer
    return out
