"""The points of a temporal pyramid that classify and regress."""

from typing import Sequence, Tuple

import torch
from torch import Tensor

from mmvtg.registry import TASK_UTILS


@TASK_UTILS.register_module()
class PointGenerator:
    """Point n of a level with stride s stands at clip s * n, at the stride's start.

    Args:
        strides (Sequence[int]): Of the levels, in clips.
        ranges (Sequence[tuple], optional): For each level the smallest and the largest
            distance, in clips, from a point to the farther end of a moment that the
            level is to regress. By default, as in R2-Tuning, [0, s_1] for the first
            level, then [s_j, s_(j+1)], and no upper end for the last.

    Raises:
        ValueError: If the numbers of strides and ranges differ.
    """

    def __init__(
        self,
        strides: Sequence[int] = (1, 2, 4, 8),
        ranges: Sequence[Tuple[float, float]] = (),
    ) -> None:
        self.strides = tuple(strides)
        if not ranges:
            ends = (0,) + self.strides[1:] + (float('inf'),)
            ranges = list(zip(ends[:-1], ends[1:]))
        if len(ranges) != len(self.strides):
            raise ValueError(
                f'{len(self.strides)} strides but {len(ranges)} ranges; give one each'
            )
        self.ranges = [tuple(map(float, bounds)) for bounds in ranges]

    def __call__(self, lengths: Sequence[int], device: torch.device) -> Tensor:
        """Points of all levels, one after the other.

        Args:
            lengths (Sequence[int]): Length of each level; may be fewer levels than
                strides if a video is too short for the last ones.
            device (torch.device): Where to.

        Returns:
            Tensor: (S, 4) float32: position, smallest distance, largest distance,
            stride, all in clips.
        """
        levels = []
        for length, stride, bounds in zip(lengths, self.strides, self.ranges):
            position = torch.arange(length, device=device, dtype=torch.float32) * stride
            rest = position.new_tensor([*bounds, stride]).expand(length, 3)
            levels.append(torch.cat([position[:, None], rest], dim=1))
        return torch.cat(levels)
