"""Which points of a pyramid answer for which moment."""

from typing import Tuple

import torch
from torch import Tensor

from mmvtg.registry import TASK_UTILS


@TASK_UTILS.register_module()
class PointTargetAssigner:
    """Centre sampling within regression ranges; the shortest moment wins.

    A point is positive for a moment if it lies inside of it, at most ``radius`` strides
    from its centre, and if the farther end is at a distance within the range of the
    point's level (both ends of the range included).

    Args:
        radius (float): In strides of the point's level.
    """

    def __init__(self, radius: float = 1.5) -> None:
        self.radius = radius

    def __call__(self, points: Tensor, moments: Tensor) -> Tuple[Tensor, Tensor]:
        """Assign.

        Args:
            points (Tensor): (S, 4), as :class:`PointGenerator` makes them.
            moments (Tensor): (B, N, 2) in clips; rows of +inf are padding and never
                match.

        Returns:
            tuple[Tensor, Tensor]: positive (B, S) bool, and distances (B, S, 2) from
            the point to start and end in units of the point's stride; 0 where negative.
        """
        if not moments.size(1):
            distances = moments.new_zeros(len(moments), len(points), 2)
            return distances[..., 0].bool(), distances
        position, smallest, largest, stride = (
            points[:, i][None, :, None] for i in range(4)
        )
        start, end = moments[:, None, :, 0], moments[:, None, :, 1]
        middle = (start + end) / 2
        reach = self.radius * stride
        near = position >= torch.maximum(start, middle - reach)
        near &= position <= torch.minimum(end, middle + reach)
        farther = torch.maximum(position - start, end - position)
        match = near & (farther >= smallest) & (farther <= largest)

        length = (end - start).masked_fill(~match, float('inf'))
        shortest, index = length.min(dim=2)
        positive = shortest.isfinite()
        chosen = moments.gather(1, index[..., None].expand(-1, -1, 2))
        distances = torch.stack(
            [points[:, 0] - chosen[..., 0], chosen[..., 1] - points[:, 0]], dim=-1
        )
        distances = distances / points[:, 3][:, None]
        return positive, distances.masked_fill(~positive[..., None], 0.0)
