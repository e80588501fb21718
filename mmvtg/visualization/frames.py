"""Frames of a video or of parts of it, for films."""

from typing import Iterator, Optional, Sequence, Tuple

import numpy as np

from mmvtg.utils.decoding import DECODER_ERRORS

_BULK = 16  # frames decoded at once


def read_frames(
    path: str,
    max_fps: float,
    room: Tuple[int, int],
    spans: Optional[Sequence[Sequence[float]]] = None,
) -> Iterator:
    """First (frames per second, (height, width)), then frames (H, W, 3) uint8 RGB.

    Args:
        path (str): Video file.
        max_fps (float): Frames per second, if the video has more.
        room (tuple[int, int]): Width and height that frames are shown in, pixels: the
            decoder makes them no larger, and never scales up.
        spans (Sequence, optional): (n, 2) seconds, which are read one after the other;
            default is the whole video.

    Raises:
        RuntimeError: The file is missing or cannot be decoded.
    """
    import decord  # slow to import, and not needed without videos

    try:
        height, width = decord.VideoReader(path)[0].shape[:2]
        scale = min(1.0, room[0] / width, room[1] / height)
        size = [max(round(side * scale), 1) for side in (width, height)]
        reader = decord.VideoReader(path, width=size[0], height=size[1])
        source = float(reader.get_avg_fps())
        fps = min(source, max_fps)
        yield fps, (height, width)
        index = _frame_numbers(spans, len(reader), source, fps)
        for start in range(0, len(index), _BULK):
            yield from reader.get_batch(index[start : start + _BULK].tolist()).asnumpy()
    except DECODER_ERRORS as error:
        raise RuntimeError(f'no frames can be read from {path}: {error}') from error


def _frame_numbers(
    spans: Optional[Sequence[Sequence[float]]], total: int, source: float, fps: float
) -> np.ndarray:
    """Numbers of the source's frames, (n,), at least one."""
    spans = [(0.0, total / source)] if spans is None else spans
    steps = [
        start + np.arange(max(int((end - start) * fps + 1e-6), 1)) / fps
        for start, end in spans
    ]
    index = (np.concatenate(steps) * source).round().astype(int)
    return np.minimum(index, total - 1)
