"""Pictures as files."""

import io
import re
from typing import Any

import numpy as np
from PIL import Image

from mmvtg.utils import write_atomic


def write_png(path: str, image: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8 RGB, whole or not at all."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, 'png')
    write_atomic(path, buffer.getvalue())


def file_name(name: Any) -> str:
    """The id of a query or video as a name that every file system takes."""
    return re.sub(r'[^\w.-]', '_', str(name))
