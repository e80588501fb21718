"""Reader of a folder of images, one per frame."""

import os
import os.path as osp
import re

import numpy as np
from PIL import Image, UnidentifiedImageError

from .errors import BadSampleError
from .reader import Progress, Size, VideoReader, no_progress
from .timing import FrameTimes

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')


def list_images(folder: str) -> list[str]:
    """Return the paths of a folder's images, ordered by the numbers in their names."""
    names = [
        entry.name
        for entry in os.scandir(folder)
        if entry.name.lower().endswith(IMAGE_SUFFIXES)
        and not entry.name.startswith('.')
        and entry.is_file()
    ]
    return [osp.join(folder, name) for name in sorted(names, key=_natural)]


def _natural(name: str) -> list[tuple[int, str]]:
    """Order ``img_9`` before ``img_10``."""
    return [
        (int(part), '') if part.isdecimal() else (-1, part)
        for part in re.split(r'(\d+)', name)
    ]


class ImageFolderReader(VideoReader):
    """Images of a folder as frames of a constant rate; image ``k`` is shown at ``k/f``.

    Args:
        path (str): Folder.
        name (str): Name of the video in messages.
        frame_rate (float | None): Images per second, f.
        on_progress (callable): Called before each image is read.

    Raises:
        BadSampleError: If the folder holds no images.
        ValueError: If ``frame_rate`` is missing or not positive.
    """

    def __init__(
        self,
        path: str,
        name: str,
        frame_rate: float | None,
        on_progress: Progress = no_progress,
    ) -> None:
        super().__init__(path, name)
        self._on_progress = on_progress
        self._images = list_images(path)
        if not self._images:
            raise BadSampleError(
                f'{name} is a folder without images: expected files that end in '
                f'{", ".join(IMAGE_SUFFIXES)}'
            )
        if frame_rate is None or not frame_rate > 0:
            raise ValueError(
                f'{name} is a folder of images, and frame_rate is {frame_rate}: give '
                'the number of images per second (fps)'
            )
        count = len(self._images)
        self.times = FrameTimes(np.arange(count) / frame_rate, count / frame_rate)

    @property
    def size(self) -> Size:
        """Height and width of the first image, pixels."""
        return Size(*self._read(0, None).shape[:2])

    def _read(self, number: int, size: tuple[int, int] | None) -> np.ndarray:
        self._on_progress()
        path = self._images[number]
        try:
            with Image.open(path) as file:
                image = file.convert('RGB')
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise BadSampleError(
                f'{self.name}: image {osp.basename(path)} cannot be read ({error}); '
                'replace it, or remove the folder'
            ) from error
        if size is not None:
            image = image.resize((size[1], size[0]), Image.Resampling.BICUBIC)
        return np.asarray(image)
