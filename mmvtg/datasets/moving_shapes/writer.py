"""Atomic files: small H.264 videos, text, JSON."""

import json
from pathlib import Path
from typing import Any, Iterable, Union

import numpy as np

from mmvtg.utils.files import replacing, write_atomic

from .scene import FPS

_KEYFRAME_EVERY = 2 * FPS


def write_video(path: Union[str, Path], frames: np.ndarray, crf: int = 23) -> None:
    """Write frames as H.264 in mp4, keyframes every 2 s; the file appears when whole.

    Args:
        path: the mp4 file.
        frames: ``(N, H, W, 3)`` uint8, RGB, shown at 8 frames per second.
        crf: x264's constant rate factor.

    Raises:
        ImportError: PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(
            'writing MovingShapes videos needs PyAV; install it with "pip install av"'
        ) from error
    options = {'preset': 'veryfast', 'crf': str(crf), 'threads': '1'}
    with replacing(path) as temporary, av.open(temporary, 'w') as container:
        stream = container.add_stream('libx264', rate=FPS, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = 'yuv420p'
        stream.gop_size = _KEYFRAME_EVERY
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format='rgb24')
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def write_text(path: Union[str, Path], lines: Iterable[str]) -> None:
    """Write lines; the file appears when whole."""
    write_atomic(path, ''.join(f'{line}\n' for line in lines).encode())


def write_json_lines(path: Union[str, Path], rows: Iterable[Any]) -> None:
    """Write one JSON object per line; the file appears when whole."""
    write_text(path, (json.dumps(row) for row in rows))


def write_json(path: Union[str, Path], content: Any) -> None:
    """Write a JSON file; it appears when whole."""
    write_text(path, [json.dumps(content, indent=1)])
