"""Clips at several time scales."""

from dataclasses import replace
from typing import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import DownsampleConv
from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures


@MODELS.register_module()
class TemporalPyramid(BaseModule):
    """One level a stride, each made from the clips by its own convolutions.

    Clips pass a ReLU first; that is what all levels start from, what level 0 is, and
    what heads see as ``clips`` (R2-Tuning's code; the paper does not mention it).
    Levels whose stride exceeds the number of clips are left out; in training their
    parameters get a gradient of zero.

    Args:
        channels (int): C.
        strides (Sequence[int]): Powers of two, ascending, the first one 1.
        official_padding (bool): Parity with the authors' code, where a window counts as
            valid if any of its clips is real. By default all of them must be, which
            gives each sample the levels that it has when it is alone.

    Raises:
        ValueError: If strides are not ascending powers of two from 1.
    """

    def __init__(
        self,
        channels: int = 256,
        strides: Sequence[int] = (1, 2, 4, 8),
        official_padding: bool = False,
    ) -> None:
        super().__init__()
        strides = tuple(strides)
        powers = all(s > 0 and s & (s - 1) == 0 for s in strides)
        if not powers or strides[:1] != (1,) or sorted(set(strides)) != list(strides):
            raise ValueError(
                f'TemporalPyramid: strides = {strides}, want ascending powers of two '
                'that begin with 1'
            )
        self.strides = strides
        self.official_padding = official_padding
        self.levels = nn.ModuleList(
            nn.Sequential(
                *[DownsampleConv(channels) for _ in range(stride.bit_length() - 1)]
            )
            for stride in strides
        )

    def forward(self, fused: FusedFeatures) -> FusedFeatures:
        """Add levels.

        Args:
            fused (FusedFeatures): With clips (B, T, C).

        Returns:
            FusedFeatures: The same with rectified clips, ``levels`` (B, T // s, C) and
            ``level_masks`` (B, T // s).
        """
        clips = fused.clips.relu()
        used = [s for s in self.strides if s <= clips.size(1)]
        idle = [p for p in self.levels[len(used) :].parameters() if p.requires_grad]
        if self.training and idle:
            # DDP refuses a step in which a parameter gets no gradient, and ranks with
            # longer batches use these levels: a zero gives them a gradient of zero
            clips = clips + 0 * sum(p.sum() for p in idle)
        return replace(
            fused,
            clips=clips,
            levels=[level(clips) for level, _ in zip(self.levels, used)],
            level_masks=[self.level_mask(fused.mask, stride) for stride in used],
        )

    def level_mask(self, mask: Tensor, stride: int) -> Tensor:
        """Which windows of a level are real.

        Args:
            mask (Tensor): (B, T) bool.
            stride (int): Clips a window.

        Returns:
            Tensor: (B, T // stride) bool.
        """
        windows = mask[:, : mask.size(1) // stride * stride].unflatten(1, (-1, stride))
        # parity: any real clip makes a window real
        return windows.any(2) if self.official_padding else windows.all(2)
