"""Which pairs of a start and an end are looked at as moments."""

from typing import Sequence

import torch
from torch import Tensor


def proposal_mask(num_clips: int, counts: Sequence[int]) -> Tensor:
    """The cells of a 2D map that stand for moments (2D-TAN, MMN).

    Cell (i, j) is the moment from the start of clip i to the end of clip j. There are
    all moments of one clip; and group g of ``counts`` adds so many lengths, each 2^g
    clips longer than the one before, starting at multiples of 2^g: long moments are
    sampled sparsely.

    Args:
        num_clips (int): N.
        counts (Sequence[int]): Lengths of each group.

    Returns:
        Tensor: (N, N) bool, True for cells that are used.

    Raises:
        ValueError: If the longest moment does not fit the map.
    """
    mask = torch.eye(num_clips, dtype=torch.bool)
    longest = sum(count << group for group, count in enumerate(counts))
    if longest >= num_clips:
        raise ValueError(
            f'counts = {tuple(counts)} make moments of {longest + 1} clips, the map '
            f'has num_clips = {num_clips}'
        )
    offset = 0
    for group, count in enumerate(counts):
        stride = 1 << group
        for _ in range(count):
            offset += stride
            starts = torch.arange(0, num_clips - offset, stride)
            mask[starts, starts + offset] = True
    return mask


class ProposalGrid:
    """The used cells of a map, row by row.

    Args:
        num_clips (int): N.
        counts (Sequence[int]): See :func:`proposal_mask`.
    """

    def __init__(self, num_clips: int, counts: Sequence[int]) -> None:
        self.num_clips = num_clips
        self.mask = proposal_mask(num_clips, counts)
        #: (S, 2) int64, first and last clip of each moment.
        self.cells = self.mask.nonzero()

    @property
    def spans(self) -> Tensor:
        """(S, 2) float32, start and end as shares of the video."""
        return (self.cells + torch.tensor([0, 1])).float() / self.num_clips

    def __len__(self) -> int:
        return len(self.cells)
