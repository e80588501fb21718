"""The 2D map of MMN: a vector for every moment that may be meant."""

from typing import Optional, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmvtg.models.layers import CellConvStack
from mmvtg.models.task_modules import ProposalGrid
from mmvtg.registry import MODELS
from mmvtg.structures import ProposalFeatures, QueryFeatures, VideoFeatures

from .clip_pooling import ClipPooling


def range_max(clips: Tensor, cells: Tensor) -> Tensor:
    """Maximum over the clips of each moment, channel by channel.

    From the maxima of 1, 2, 4, ... neighbours: each moment is covered by two of these,
    so that no map of all moments is made.

    Args:
        clips (Tensor): (V, N, C).
        cells (Tensor): (S, 2) int64, first and last clip of each.

    Returns:
        Tensor: (V, S, C).
    """
    first, last = cells.unbind(1)
    length = last - first + 1
    level = length.float().log2().floor().long()
    tables, sizes = [clips], [0]
    while 2 ** len(tables) <= int(length.max()):
        half, before = 2 ** (len(tables) - 1), tables[-1]
        tables.append(torch.maximum(before[:, :-half], before[:, half:]))
        sizes.append(sizes[-1] + before.size(1))
    flat = torch.cat(tables, dim=1)
    start = torch.tensor(sizes, device=cells.device)[level]
    reach = 2**level
    return torch.maximum(
        flat.index_select(1, start + first),
        flat.index_select(1, start + last - reach + 1),
    )


@MODELS.register_module()
class ProposalMap(BaseModule):
    """Clips to moments to moments that know their neighbours (MMN).

    Videos of any length are averaged to F and then N clips. Each used cell of the
    N x N map gets the maximum over its clips, and convolutions mix cells. Only used
    cells are ever made, see :class:`CellConvStack`. Queries are handed on.

    Args:
        in_channels (int): Width of the clips.
        channels (int): H, width of moments.
        num_clips (int): N.
        num_frames (int): F, a multiple of N.
        counts (Sequence[int]): Which cells are used, see :func:`proposal_mask`: [15]
            for N = 16, [15, 8, 8] for 64, [15, 8, 8, 8] for 128.
        kernel_size (int): Of the convolutions.
        num_layers (int): Of the convolutions.
        project (bool): Project clips before they are averaged the second time. VDI
            does not, to keep the features of CLIP.
    """

    shares_videos = True

    def __init__(
        self,
        in_channels: int,
        channels: int = 512,
        num_clips: int = 16,
        num_frames: int = 32,
        counts: Sequence[int] = (15,),
        kernel_size: int = 5,
        num_layers: int = 8,
        project: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        width = channels if project else in_channels
        grid = ProposalGrid(num_clips, counts)
        self.pooling = ClipPooling(
            in_channels, channels if project else None, num_frames, num_clips
        )
        self.conv = CellConvStack(grid.mask, width, channels, kernel_size, num_layers)
        self.register_buffer('cells', grid.cells, persistent=False)
        self.register_buffer('spans', grid.spans, persistent=False)

    def forward(self, video: VideoFeatures, query: QueryFeatures) -> ProposalFeatures:
        """Make moments of videos.

        Args:
            video (VideoFeatures): ``clips`` (V, T, in_channels), or ``layers``, of
                which the class token of the last one counts.
            query (QueryFeatures): ``pooled`` (B, C'), or else ``words`` or ``layers``,
                of which the mean over the tokens counts, as in MMN.

        Returns:
            ProposalFeatures: Of S moments a video.

        Raises:
            ValueError: If clips are of another width.
        """
        clips = video.layers[-1][:, :, 0] if video.clips is None else video.clips
        width = self.conv.convs[0].in_channels
        if self.pooling.proj is not None:
            width = self.pooling.proj.in_features
        if clips.size(-1) != width:
            raise ValueError(
                f'clips have {clips.size(-1)} channels, in_channels of the neck says '
                f'{width}: which features does the data set load?'
            )
        clips = clips.to(self.conv.convs[0].weight.dtype)
        pooled = self.pooling(clips, video.mask)
        owners = video.owners
        if owners is None:
            owners = torch.arange(len(video.mask), device=clips.device)
        return ProposalFeatures(
            proposals=self.conv(range_max(pooled, self.cells)),
            spans=self.spans,
            query=pool_query(query),
            mask=video.mask,
            owners=owners,
        )


def pool_query(query: QueryFeatures) -> Tensor:
    """One vector a query, (B, C): ``pooled``, else the mean over all tokens."""
    if query.pooled is not None:
        return query.pooled
    words = query.layers[-1] if query.words is None else query.words
    words = words.float().masked_fill(~query.mask[..., None], 0)
    return words.sum(1) / query.mask.sum(1, keepdim=True)
