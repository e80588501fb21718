"""Where something happens, whatever it is: a class-agnostic anchor-free detector."""

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from mmvtg.models.layers import ConvHead
from mmvtg.models.losses import SpanGIoULoss, focal_loss, masked_mean
from mmvtg.registry import MODELS, TASK_UTILS
from mmvtg.structures import FusedFeatures, GroundingDataSample

from .segment_naming_head import to_clips
from .stale_head import Proposals


@dataclass
class PointOutputs:
    """What is said of each point of the pyramid, levels one after the other.

    Args:
        actionness (Tensor): (B, S) logits.
        centreness (Tensor): (B, S) logits.
        distances (Tensor): (B, S, 2), to start and end, in strides.
        points (Tensor): (S, 4), see :class:`PointGenerator`.
        mask (Tensor): (B, S) bool.
    """

    actionness: Tensor
    centreness: Tensor
    distances: Tensor
    points: Tensor
    mask: Tensor


@MODELS.register_module()
class AnchorFreeProposalHead(BaseModule):
    """First stage of Efficient-Prompt's localisation (Ju et al., section 4.1).

    At each point of a temporal pyramid: is there an action, is this its middle, how far
    are its ends? A proposal scores actionness x centreness. Classes are not read, so
    what was learned from seen ones is asked for unseen ones. The paper names the parts;
    their losses (focal, cross-entropy, generalised IoU) are choices of this project.

    All proposals have the label 0: evaluate them with ``proposals=True`` and hand their
    results file to :class:`SegmentNamingHead`.

    Args:
        channels (int): C.
        strides (Sequence[int]): Of the pyramid's levels.
        max_proposals (int): Kept of each video, before suppression.
        assigner (dict, optional): Default :class:`PointTargetAssigner`.
        candidates (dict, optional): Suppression; default none.
    """

    #: All segments have one label, whatever the classes.
    reads_classes = False

    def __init__(
        self,
        channels: int,
        strides: Sequence[int] = (1, 2, 4, 8, 16, 32),
        max_proposals: int = 200,
        assigner: Optional[dict] = None,
        candidates: Optional[dict] = None,
    ) -> None:
        super().__init__()
        self.pyramid = MODELS.build(
            dict(type='TemporalPyramid', channels=channels, strides=strides)
        )
        self.point_generator = TASK_UTILS.build(
            dict(type='PointGenerator', strides=strides)
        )
        self.assigner = TASK_UTILS.build(assigner or dict(type='PointTargetAssigner'))
        self.candidates = TASK_UTILS.build(candidates or dict(type='MaskCandidates'))
        self.actionness = ConvHead(channels, 1)
        self.centreness = ConvHead(channels, 1)
        self.boundaries = ConvHead(channels, 2)
        self.level_scale = nn.Parameter(torch.ones(len(strides)))
        self.boundary_loss = SpanGIoULoss()
        self.max_proposals = max_proposals

    def forward(self, clips: Tensor, mask: Tensor) -> PointOutputs:
        """Score all points of clips (B, T, C) with mask (B, T) bool."""
        nothing = clips.new_zeros(len(clips), 0, 1)
        fused = self.pyramid(
            FusedFeatures(clips, mask, words=nothing, words_mask=nothing[..., 0].bool())
        )
        levels = list(zip(fused.levels, fused.level_masks))
        distances = [
            self.boundaries(x, m).exp() * scale
            for (x, m), scale in zip(levels, self.level_scale)
        ]
        return PointOutputs(
            actionness=torch.cat([self.actionness(*one) for one in levels], 1)[..., 0],
            centreness=torch.cat([self.centreness(*one) for one in levels], 1)[..., 0],
            distances=torch.cat(distances, dim=1),
            points=self.point_generator([x.size(1) for x, _ in levels], clips.device),
            mask=torch.cat(fused.level_masks, dim=1),
        )

    def loss(
        self,
        clips: Tensor,
        mask: Tensor,
        text: Tensor,
        samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Losses of the three outputs.

        Args:
            clips (Tensor): (B, T, C).
            mask (Tensor): (B, T) bool.
            text (Tensor): Not read.
            samples (list): With ``gt_moments`` (spans in s) and ``window`` (s).
        """
        out = self(clips, mask)
        lengths = mask.sum(1).tolist()
        moments = [
            to_clips(sample.gt_moments.spans, sample.window, length)
            for sample, length in zip(samples, lengths)
        ]
        moments = pad_sequence(moments, batch_first=True, padding_value=float('inf'))
        positive, target = self.assigner(out.points, moments.to(clips.device))
        positive = positive & out.mask
        action = focal_loss(out.actionness, positive.to(clips.dtype), alpha=0.25)
        action = action.masked_fill(~out.mask, 0).sum() / positive.sum().clamp(min=1)
        centre = F.binary_cross_entropy_with_logits(
            out.centreness, centreness_target(target), reduction='none'
        )
        return dict(
            loss_actionness=action,
            loss_centreness=masked_mean(centre, positive),
            loss_boundary=self.boundary_loss(
                around_zero(out.distances), around_zero(target), positive
            ),
        )

    @torch.no_grad()
    def propose(
        self,
        clips: Tensor,
        mask: Tensor,
        text: Tensor,
        samples: List[GroundingDataSample],
    ) -> List[Proposals]:
        """Scored segments of label 0; arguments as in :meth:`loss`."""
        out = self(clips, mask)
        scores = out.actionness.sigmoid() * out.centreness.sigmoid()
        position, stride = out.points[:, 0, None], out.points[:, 3, None]
        spans = position + around_zero(out.distances) * stride
        rows = []
        for row, score, valid, length, sample in zip(
            spans, scores, out.mask, mask.sum(1).tolist(), samples
        ):
            row, score = row[valid].clamp(0, length), score[valid]
            score, best = score.topk(min(self.max_proposals, len(score)))
            start, end = sample.window
            seconds = start + row[best] / length * (end - start)
            rows.append(Proposals(seconds, score, torch.zeros_like(best)))
        return rows


def around_zero(distances: Tensor) -> Tensor:
    """Distances (..., 2) to start and end as the span around a point at 0."""
    return torch.stack([-distances[..., 0], distances[..., 1]], dim=-1)


def centreness_target(distances: Tensor) -> Tensor:
    """Square root of the shorter over the longer distance (..., 2); 1 in the middle."""
    shorter, longer = distances.amin(dim=-1), distances.amax(dim=-1)
    return (shorter / longer.clamp(min=1e-6)).clamp(0, 1).sqrt()
