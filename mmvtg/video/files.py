"""Opening a video file, and saying what is wrong with it."""

import os.path as osp
from typing import List, Optional, Tuple

import decord
import numpy as np
from decord._ffi.base import DECORDError

from .errors import BadSampleError

#: DECORDError is no RuntimeError; opening raises the one, decoding the other.
DECODER_ERRORS = (DECORDError, RuntimeError, IndexError)


def name_video(path: str, video_id: Optional[str] = None) -> str:
    """What messages call a video."""
    return f'video {path}' if video_id is None else f'video {video_id} ({path})'


def open_file(
    path: str,
    num_threads: int = 1,
    video_id: Optional[str] = None,
    width: int = -1,
    height: int = -1,
) -> decord.VideoReader:
    """decord's reader of a file.

    Args:
        path (str): Video file.
        num_threads (int): Decoder threads; 0 leaves it to the decoder.
        video_id (str, optional): For messages.
        width (int): To which the decoder scales frames, pixels; -1 leaves them.
        height (int): Likewise.

    Raises:
        BadSampleError: The file is missing, empty or broken.
    """
    name = name_video(path, video_id)
    if not osp.isfile(path):
        raise BadSampleError(
            f'{name} does not exist: check data_root and data_prefix, or download it'
        )
    if osp.getsize(path) == 0:
        raise BadSampleError(f'{name} is empty (0 bytes): download it again')
    try:
        reader = decord.VideoReader(
            path, decord.cpu(0), width, height, num_threads=num_threads
        )
        readable = len(reader) > 0 and reader.get_avg_fps() > 0
    except DECODER_ERRORS as error:
        raise BadSampleError(
            f'{name} cannot be opened ({_first_line(error)}); it is truncated or no '
            'video: download it again, or re-encode it with ffmpeg'
        ) from error
    if not readable:
        raise BadSampleError(f'{name} holds no frames: download it again')
    return reader


def decode_frames(
    reader: decord.VideoReader,
    index: List[int],
    path: str,
    video_id: Optional[str] = None,
) -> np.ndarray:
    """Frames (n, H, W, 3) uint8 RGB of a file that :func:`open_file` opened.

    Raises:
        BadSampleError: The video breaks off.
    """
    try:
        return reader.get_batch(index).asnumpy()
    except DECODER_ERRORS as error:
        raise BadSampleError(
            f'{name_video(path, video_id)} breaks off between frames {index[0]} and '
            f'{index[-1]} of {len(reader)} ({_first_line(error)}); it is truncated or '
            'corrupt: download it again, or re-encode it with ffmpeg'
        ) from error


def probe_video(path: str) -> Tuple[float, float, int]:
    """Length of a video without decoding it.

    Returns:
        tuple: duration (seconds), frames per second, number of frames.

    Raises:
        BadSampleError: The file is missing, empty or broken.
    """
    reader = open_file(path)
    rate = float(reader.get_avg_fps())
    return len(reader) / rate, rate, len(reader)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]
