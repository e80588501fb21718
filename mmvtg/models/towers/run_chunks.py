"""Cuts the frames of several videos into what goes through a tower at once."""

from typing import List, NamedTuple, Optional

import torch
from torch import Tensor


class Chunk(NamedTuple):
    """Frames that are encoded together, and those of them whose result is kept.

    Args:
        frames (slice): Of all frames.
        kept (slice): Of the chunk's frames.
    """

    frames: slice
    kept: slice = slice(None)


def plan_chunks(
    runs: Tensor, size: int, coupled: bool = False, margin: Optional[int] = None
) -> List[Chunk]:
    """Chunks that together keep every frame once, in order.

    Frames of coupled runs see their neighbours, so chunks end between runs. Where it
    is known how far a frame can see, a run of more than ``size + 2 * margin`` frames is
    cut into pieces of ``size``, each encoded with ``margin`` frames on either side that
    are thrown away: what a piece's ends do wrong does not get further than that. So
    memory is bounded, for (size + 2 * margin) / size of the time.

    Args:
        runs (Tensor): (F,) int64, the run (video) of each frame, ascending.
        size (int): Frames of a chunk.
        coupled (bool): Whether frames of a run depend on each other.
        margin (int, optional): From how many frames away; None: from any.
    """
    total = len(runs)
    if not coupled:
        starts = range(0, total, size)
        return [Chunk(slice(start, start + size)) for start in starts]
    chunks: List[Chunk] = []
    start = end = 0  # of whole runs that wait for company
    for length in torch.unique_consecutive(runs, return_counts=True)[1].tolist():
        long = margin is not None and length > size + 2 * margin
        if end > start and (long or end + length - start > size):
            chunks.append(Chunk(slice(start, end)))
            start = end
        end += length
        if long:
            chunks += _cut_run(start, end, size, margin)
            start = end
    return chunks if end == start else [*chunks, Chunk(slice(start, end))]


def _cut_run(first: int, last: int, size: int, margin: int) -> List[Chunk]:
    """Pieces of one run, the frames ``first`` to ``last`` (not included)."""
    chunks = []
    for start in range(first, last, size):
        stop = min(start + size, last)
        begin, end = max(start - margin, first), min(stop + margin, last)
        chunks.append(Chunk(slice(begin, end), slice(start - begin, stop - begin)))
    return chunks
