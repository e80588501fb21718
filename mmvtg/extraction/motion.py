"""Stored motion features, which a tower with action prompts reads besides frames."""

import os.path as osp
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvtg.datasets.array_files import array_shape
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.feature_store import MAX_LENGTH_GAP, check_file, load_array
from mmvtg.datasets.store_manifest import read_manifest
from mmvtg.datasets.transforms.joining import resample_rows

_AXES = {2: '(T, V)'}


@dataclass(frozen=True)
class MotionStore:
    """Folder of motion features, one vector per clip.

    Args:
        folder (str): Folder of the files.
        file_name (str): File name pattern with ``{video_id}``; see
            :mod:`mmvtg.datasets.array_files` for formats.
        max_length_gap (int): Maximum difference between the numbers of clips and of
            rows, which are stretched then.
        resample (bool): Stretch the rows to any number of clips, for features with a
            rate of their own.
    """

    folder: str
    file_name: str = '{video_id}.npy'
    max_length_gap: int = MAX_LENGTH_GAP
    resample: bool = False

    def read(self, video_id: str, length: int) -> Tensor:
        """Return the motion of a video, (length, V) float32.

        Args:
            video_id (str): Name of the video.
            length (int): Number of clips.

        Raises:
            BadSampleError: If the file is missing, damaged, or of another length.
        """
        path = osp.join(self.folder, self.file_name.format(video_id=video_id))
        rows = load_array(path, f'video {video_id}', _AXES)
        gap = abs(len(rows) - length)
        if gap > self.max_length_gap and not self.resample:
            raise BadSampleError(
                f'video {video_id}: {path} has {len(rows)} rows of motion, the video '
                f'{length} clips: extract both at one rate (fps), or set resample=True '
                'in the stream of motion (encoding.streams) if it has its own rate'
            )
        rows = np.asarray(rows, dtype=np.float32)
        return torch.from_numpy(resample_rows(rows, length) if gap else rows)

    def width_of(self, video_ids: Iterable[str]) -> int:
        """Return V, the width of the features.

        Args:
            video_ids (Iterable[str]): Videos; the first one with features counts.

        Raises:
            BadSampleError: If no video has features.
        """
        for video_id in video_ids:
            path = osp.join(self.folder, self.file_name.format(video_id=video_id))
            problem, _ = check_file(path, _AXES)
            if problem is None:
                return array_shape(path)[1]
        raise BadSampleError(
            f'{self.folder} has no usable motion features of any of the videos '
            f'({self.file_name}); extract them first'
        )

    def describe(self) -> dict[str, Any]:
        """Return the entry in the manifest of features that depend on the motion."""
        manifest = read_manifest(self.folder) or {}
        kept = ('model', 'weights_sha256', 'fps')
        return {key: manifest[key] for key in kept if key in manifest}
