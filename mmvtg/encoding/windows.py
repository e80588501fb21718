"""Overlapping windows over a video, filled from a stream."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Window(NamedTuple):
    """A part of a video, in clips: ``start`` to ``stop - 1``."""

    start: int
    stop: int


def plan_windows(total: int, size: int, overlap: int) -> list[Window]:
    """Return windows of equal length that cover a video.

    Windows are evenly spaced, at most ``size - overlap`` clips apart; the first one
    begins and the last one ends with the video. A video of up to ``size`` clips has
    one window, the whole video.

    Args:
        total (int): Clips of the video.
        size (int): Clips of a window.
        overlap (int): Minimum number of clips that neighboring windows share.

    Returns:
        list[Window]: Windows by ascending start.

    Raises:
        ValueError: If ``total`` or ``size`` is less than one clip, or ``overlap`` is
            more than half of ``size``.
    """
    if total < 1 or size < 1 or not 0 <= overlap <= size / 2:
        raise ValueError(
            f'{total} clips in windows of {size} with an overlap of {overlap}: a video '
            'and a window need at least one clip, and an overlap is at most half a '
            'window'
        )
    if total <= size:
        return [Window(0, total)]
    rest = total - size
    steps = math.ceil(rest / (size - overlap))
    starts = [round(index * rest / steps) for index in range(steps + 1)]
    return [Window(start, start + size) for start in starts]


def sliding_windows(
    chunks: Iterable[Tensor], windows: Iterable[Window]
) -> Iterator[tuple[Window, Tensor]]:
    """Fill windows from a stream of rows.

    Rows are released as soon as no later window needs them: in memory are the rows of
    one window, its copy, and one chunk.

    Args:
        chunks (Iterable[Tensor]): (n, ...) each, the rows of a video in order.
        windows (Iterable[Window]): By ascending start.

    Yields:
        tuple: The window and its rows (stop - start, ...).

    Raises:
        ValueError: If the stream ends before the last window.
    """
    stream = iter(chunks)
    buffer: list[Tensor] = []
    first = end = 0  # rows in the buffer
    for window in windows:
        while buffer and first + len(buffer[0]) <= window.start:
            first += len(buffer.pop(0))
        while end < window.stop:
            chunk = next(stream, None)
            if chunk is None:
                raise ValueError(f'the stream has {end} rows, {window} needs more')
            end += len(chunk)
            if end <= window.start:  # a gap between windows
                first = end
                continue
            buffer.append(chunk)
        yield window, _rows(buffer, window.start - first, window.stop - first)


def _rows(chunks: list[Tensor], start: int, stop: int) -> Tensor:
    """Return rows ``start`` to ``stop - 1`` of consecutive chunks."""
    parts = []
    for chunk in chunks:
        if start < len(chunk) and stop > 0:
            parts.append(chunk[max(start, 0) : stop])
        start, stop = start - len(chunk), stop - len(chunk)
    return parts[0] if len(parts) == 1 else torch.cat(parts)
