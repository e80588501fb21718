"""Spatial dynamic injection: what moves, told to the words of change (VDI)."""

from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from mmvtg.models.layers import TransformerEncoder
from mmvtg.registry import MODELS

from .context import VDI_LAYER


@MODELS.register_module()
class SpatialDynamicInjection(BaseModule):
    """Two dynamic queries are as alike as the movements in their videos.

    In each frame the image looks at its patches, which gives a heatmap (VDI eq. 3); a
    sequence model turns the heatmaps of a video into one vector (eq. 4); and cosines of
    these vectors are compared with those of the projected dynamic queries (eq. 5), for
    all pairs of a batch.

    Args:
        channels (int): D, of queries, frames and patches in CLIP's common space.
        num_patches (int): P, 49 for ViT-B/32.
        max_frames (int): Most frames; each has a learned place, which starts at zero.
        sequence (str): ``transformer`` (mean over its outputs), or ``lstm`` (its last
            state, VDI Table 3).
        num_layers (int): Of the sequence model.
        layer (dict, optional): Of :class:`TransformerLayer`, over 8 heads, a hidden
            width of 2048 and dropout 0.1.
        time_position (bool): Add the learned places. Without them a transformer does
            not know the order of frames.
        heatmap_softmax (bool): Heatmaps sum to one.
        loss_weight (float): Factor of the result.

    Raises:
        ValueError: If ``sequence`` is unknown.
    """

    def __init__(
        self,
        channels: int,
        num_patches: int = 49,
        max_frames: int = 32,
        sequence: str = 'transformer',
        num_layers: int = 1,
        layer: Optional[dict] = None,
        time_position: bool = True,
        heatmap_softmax: bool = False,
        loss_weight: float = 0.01,
    ) -> None:
        super().__init__()
        if sequence not in ('transformer', 'lstm'):
            raise ValueError(f"sequence is {sequence!r}, want 'transformer' or 'lstm'")
        self.heatmap_softmax = heatmap_softmax
        self.loss_weight = loss_weight
        self.frame_proj = nn.Linear(channels, channels)
        self.patch_proj = nn.Linear(channels, channels)
        self.heatmap_proj = nn.Linear(num_patches, channels)
        self.query_proj = nn.Linear(channels, channels)
        self.time_position = None
        if time_position:
            self.time_position = nn.Parameter(torch.zeros(max_frames, channels))
        if sequence == 'lstm':
            self.sequence = nn.LSTM(channels, channels, num_layers, batch_first=True)
        else:
            layer = {**VDI_LAYER, **(layer or {})}
            self.sequence = TransformerEncoder(channels, num_layers, **layer)

    def heatmaps(self, frames: Tensor, patches: Tensor) -> Tensor:
        """How much each patch is like its frame (eq. 3).

        Args:
            frames (Tensor): (V, T, D).
            patches (Tensor): (V, T, P, D).

        Returns:
            Tensor: (V, T, P).
        """
        # the projection of patches moves to the frame: D times D once, not P times
        frames = self.frame_proj(frames)
        key = frames @ self.patch_proj.weight
        heat = (patches @ key[..., None]).squeeze(-1)
        heat = heat + (frames @ self.patch_proj.bias)[..., None]
        heat = heat / frames.size(-1) ** 0.5
        return heat.softmax(-1) if self.heatmap_softmax else heat

    def movements(self, frames: Tensor, patches: Tensor, mask: Tensor) -> Tensor:
        """One vector of what moves in a video (eq. 4), (V, D).

        Args:
            frames (Tensor): (V, T, D).
            patches (Tensor): (V, T, P, D).
            mask (Tensor): (V, T) bool.

        Raises:
            ValueError: If there are not as many patches as the model has.
        """
        if patches.size(2) != self.heatmap_proj.in_features:
            raise ValueError(
                f'frames have {patches.size(2)} patches, num_patches of the injection '
                f'says {self.heatmap_proj.in_features}'
            )
        steps = self.heatmap_proj(self.heatmaps(frames, patches))
        if self.time_position is not None:
            steps = steps + self.time_position[: steps.size(1)]
        lengths = mask.sum(1)
        if isinstance(self.sequence, nn.LSTM):
            packed = pack_padded_sequence(
                steps, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            return self.sequence(packed)[1][0][-1]
        steps = self.sequence(steps, mask).masked_fill(~mask[..., None], 0)
        return steps.sum(1) / lengths[:, None]

    def disagreement(self, movements: Tensor, dynamic: Tensor) -> Tensor:
        """(B, B), the loss of each pair of pairs (eq. 5) before its weight.

        Args:
            movements (Tensor): (B, D), of the video of each query.
            dynamic (Tensor): (B, D), dynamic queries.
        """

        def cosines(x: Tensor) -> Tensor:
            x = nn.functional.normalize(x, dim=-1)
            return x @ x.T

        return (cosines(movements) - cosines(self.query_proj(dynamic))).square()
