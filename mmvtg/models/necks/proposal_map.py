"""The 2D map of MMN: a vector for every moment that may be meant."""

from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmvtg.models.layers import CellConvStack
from mmvtg.models.task_modules import ProposalGrid
from mmvtg.registry import MODELS
from mmvtg.structures import ProposalFeatures, QueryFeatures, VideoFeatures

from .clip_pooling import ClipPooling

#: What the map reads of a video, and the option that says how wide it is.
_STREAMS = (('clips', 'in_channels'), ('motion', 'motion_channels'))


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
        motion_channels (int): Width of ``VideoFeatures.motion``, which is put behind
            the clips, both of length 1. 0: no motion is read.
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
        motion_channels: int = 0,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.widths = [in_channels] + [motion_channels] * (motion_channels > 0)
        width = channels if project else sum(self.widths)
        grid = ProposalGrid(num_clips, counts)
        self.pooling = ClipPooling(
            sum(self.widths), channels if project else None, num_frames, num_clips
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
            ValueError: If clips or motion are of another width.
        """
        pooled = self.pooling(self.join_streams(video), video.mask)
        owners = video.owners
        if owners is None:
            owners = torch.arange(len(video.mask), device=pooled.device)
        return ProposalFeatures(
            proposals=self.conv(range_max(pooled, self.cells)),
            spans=self.spans,
            query=pool_query(query),
            mask=video.mask,
            owners=owners,
        )

    def join_streams(self, video: VideoFeatures) -> Tensor:
        """(V, T, C) of clips; with motion, both of length 1, side by side."""
        clips = video.layers[-1][:, :, 0] if video.clips is None else video.clips
        dtype = self.conv.convs[0].weight.dtype
        streams = []
        for (name, option), width in zip(_STREAMS, self.widths):
            stream = clips if name == 'clips' else video.motion
            found = 'no' if stream is None else stream.size(-1)
            if found != width:
                raise ValueError(
                    f'{name} have {found} channels, {option} of the neck says {width}: '
                    'which features does the data set load? Motion is packed by '
                    'PackGroundingInputs(motion_key=...), and raw videos come without'
                )
            streams.append(stream.to(dtype))
        if len(streams) == 1:
            return streams[0]
        units = [F.normalize(stream, dim=-1) for stream in streams]
        return torch.cat(units, dim=-1)


def pool_query(query: QueryFeatures) -> Tensor:
    """One vector a query, (B, C): ``pooled``, else the mean over all tokens."""
    if query.pooled is not None:
        return query.pooled
    words = query.layers[-1] if query.words is None else query.words
    words = words.float().masked_fill(~query.mask[..., None], 0)
    return words.sum(1) / query.mask.sum(1, keepdim=True)
