"""Moments of a batch as runs of frames, one after the other."""

from typing import Dict, NamedTuple, Optional

import torch
from torch import Tensor


class Runs(NamedTuple):
    """Moments of a batch that a tower encodes, one run of frames each.

    Args:
        frames (Tensor): (F, 3, H, W), of one run after the other.
        index (Tensor): (F,) int64, the run of each frame, from 0.
        queries (Tensor): (R,) int64, the sample whose query each run is shown to.
        motion (Tensor, optional): (F, V), one vector a frame.
    """

    frames: Tensor
    index: Tensor
    queries: Tensor
    motion: Optional[Tensor] = None


def pick_runs(inputs: Dict[str, Tensor], name: str, with_motion: bool) -> Runs:
    """The moments of a kind that are there.

    Args:
        inputs (dict): ``{name}`` (B, T, 3, H, W), ``{name}_mask`` (B, T) bool, and
            ``{name}_motion`` (B, T, V).
        name (str): ``positive``, of which each sample must have one, or ``intra``.
        with_motion (bool): Whether motion is wanted.

    Raises:
        ValueError: A sample without a frame of its own moment.
        KeyError: No motion.
    """
    mask = inputs[f'{name}_mask']
    present = mask.any(dim=1)
    if name == 'positive' and not present.all():
        row = int((~present).nonzero()[0, 0])
        raise ValueError(f'sample {row} of the batch has no frame of its moment')
    motion = inputs.get(f'{name}_motion')
    if motion is None and with_motion:
        raise KeyError(
            f'ActionPrompt needs motion features, inputs[{name}_motion]: give the data '
            'set a folder of them, or train another hook'
        )
    index = (present.cumsum(0) - 1)[mask.nonzero()[:, 0]]
    motion = motion[mask] if with_motion else None
    return Runs(inputs[name][mask], index, present.nonzero()[:, 0], motion)


def join_runs(*parts: Runs) -> Runs:
    """Runs one after the other."""
    indices, start = [], 0
    for part in parts:
        indices.append(part.index + start)
        start += len(part.queries)
    motion = None
    if parts[0].motion is not None:
        motion = torch.cat([part.motion for part in parts])
    return Runs(
        torch.cat([part.frames for part in parts]),
        torch.cat(indices),
        torch.cat([part.queries for part in parts]),
        motion,
    )


def borrow_runs(own: Runs, inter: Tensor) -> Runs:
    """The moments of other samples, for the queries that have such a one."""
    borrowers = (inter >= 0).nonzero()[:, 0]
    places = [(own.index == lender).nonzero()[:, 0] for lender in inter[borrowers]]
    lengths = [len(place) for place in places]
    empty = own.index[:0]
    place = torch.cat([empty, *places])
    index = torch.repeat_interleave(
        torch.arange(len(places), device=empty.device),
        torch.tensor(lengths, dtype=torch.int64, device=empty.device),
    )
    motion = None if own.motion is None else own.motion[place]
    return Runs(own.frames[place], index, borrowers, motion)


def spread_moments(moments: Tensor, queries: Tensor, count: int) -> Tensor:
    """Moments (R, D) of some queries to (count, D), zero for the others."""
    zeros = moments.new_zeros(count, moments.shape[1])
    return zeros.index_copy(0, queries, moments)
