"""The head of MMN: moments and queries meet in two spaces."""

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from mmvtg.models.losses import MutualMatchingLoss
from mmvtg.models.losses.across_processes import (
    gather_ragged,
    gather_rows,
    gather_videos,
)
from mmvtg.registry import MODELS, TASK_UTILS
from mmvtg.structures import GroundingDataSample, ProposalFeatures, span_iou

from .decoding import add_predictions

_LOSSES = ('iou', 'match')
_SCOPES = ('process', 'all')


@dataclass
class MatchOutputs:
    """What the head says of moments and queries.

    Args:
        logits (Tensor): (B, S), a sigmoid from the IoU, of the moments of a query's own
            video.
        proposals (Tensor): (V, S, J), unit vectors of the contrastive space.
        queries (Tensor): (B, J), likewise.
        owners (Tensor): (B,) int64.
    """

    logits: Tensor
    proposals: Tensor
    queries: Tensor
    owners: Tensor

    @property
    def contrast(self) -> Tensor:
        """(B, S), cosine in the contrastive space with the own video's moments."""
        return (self.proposals[self.owners] @ self.queries[..., None]).squeeze(-1)


@MODELS.register_module()
class MMNHead(BaseModule):
    """Scores moments by IoU and by contrast, and fuses both (MMN).

    It computes in float32 whatever the autocast around it.

    Args:
        channels (int): Width of moments.
        query_dims (int): Width of queries.
        embed_dims (int): J of both spaces.
        losses (dict): Loss configs by role: ``iou`` (logits, targets, mask) and
            ``match`` (:class:`MutualMatchingLoss`). A missing role is not trained.
        target_range (Sequence[float]): IoUs that become 0 and 1 as targets, linear
            between them.
        logit_scale (float): Factor of the cosine in the sigmoid.
        score_power (float): Exponent of the contrastive score in the fused one.
        post_processor (dict, optional): Applied to predicted moments of a batch.
        negative_scope (str): Whose videos and queries the contrast sees: those of one
            ``process``, as in the authors' code, so that the losses follow from the
            number of videos a process; or ``all``, so that they follow from the number
            of all videos, as if one process had them.

    Raises:
        ValueError: If a role or the scope is unknown.
    """

    def __init__(
        self,
        channels: int = 512,
        query_dims: int = 512,
        embed_dims: int = 256,
        losses: Optional[Dict[str, dict]] = None,
        target_range: Sequence[float] = (0.5, 1.0),
        logit_scale: float = 10.0,
        score_power: float = 0.5,
        post_processor: Optional[dict] = None,
        negative_scope: str = 'process',
    ) -> None:
        super().__init__()
        if negative_scope not in _SCOPES:
            raise ValueError(
                f'negative_scope is {negative_scope!r}, want one of {_SCOPES}'
            )
        losses = losses or {}
        if set(losses) - set(_LOSSES):
            raise ValueError(
                f'MMNHead: losses has {list(losses)}, want some of {_LOSSES}'
            )
        self.negative_scope = negative_scope
        self.target_range = tuple(target_range)
        self.logit_scale = logit_scale
        self.score_power = score_power
        self.proposal_iou = nn.Linear(channels, embed_dims)
        self.proposal_contrast = nn.Linear(channels, embed_dims)
        self.query_norm = nn.LayerNorm(query_dims)
        self.query_iou = nn.Linear(query_dims, embed_dims)
        self.query_contrast = nn.Linear(query_dims, embed_dims)
        self.post_processor = post_processor and TASK_UTILS.build(post_processor)
        self.losses = nn.ModuleDict(
            {role: MODELS.build(config) for role, config in losses.items() if config}
        )

    def forward(self, features: ProposalFeatures) -> MatchOutputs:
        """Bring moments and queries into both spaces."""
        owners = features.owners
        with torch.autocast(features.proposals.device.type, enabled=False):
            proposals = features.proposals.to(self.proposal_iou.weight.dtype)
            query = self.query_norm(features.query.to(proposals.dtype))
            by_iou = F.normalize(self.proposal_iou(proposals), dim=-1)
            query_iou = F.normalize(self.query_iou(query), dim=-1)
            cosine = (by_iou[owners] @ query_iou[..., None]).squeeze(-1)
            return MatchOutputs(
                logits=self.logit_scale * cosine,
                proposals=F.normalize(self.proposal_contrast(proposals), dim=-1),
                queries=F.normalize(self.query_contrast(query), dim=-1),
                owners=owners,
            )

    def loss(
        self, features: ProposalFeatures, data_samples: List[GroundingDataSample]
    ) -> Dict[str, Tensor]:
        """Losses, each with its weight; their plain sum is the objective.

        Args:
            features (ProposalFeatures): Of videos and their queries.
            data_samples (list[GroundingDataSample]): With ``gt_moments`` and
                ``duration``, one a query.

        Returns:
            dict[str, Tensor]: ``loss_iou``, ``loss_moment`` (moments look for queries)
            and ``loss_query`` (queries look for moments), scalars.
        """
        outputs, losses = self(features), {}
        annotated = stack_annotations(data_samples, outputs.logits)
        spans = self.decode_spans(features, data_samples)
        with torch.autocast(outputs.logits.device.type, enabled=False):
            ious = span_iou(annotated, spans).amax(1)
            if 'iou' in self.losses:
                low, high = self.target_range
                target = ((ious - low) / (high - low)).clamp(0, 1)
                everywhere = torch.ones_like(target, dtype=torch.bool)
                losses['loss_iou'] = self.losses['iou'](
                    outputs.logits, target, everywhere
                )
            if 'match' in self.losses:
                if self.negative_scope == 'all':
                    video_ids = [sample.video_id for sample in data_samples]
                    outputs, ious, annotated = gather_matches(
                        outputs, ious, annotated, video_ids
                    )
                losses.update(self.match(outputs, ious, annotated))
        return losses

    def match(
        self, outputs: MatchOutputs, ious: Tensor, annotated: Tensor
    ) -> Dict[str, Tensor]:
        """The contrastive losses.

        Args:
            outputs (MatchOutputs): Of this head.
            ious (Tensor): (B, S).
            annotated (Tensor): (B, N, 2), seconds.
        """
        loss: MutualMatchingLoss = self.losses['match']
        similarity = torch.einsum('bj,vsj->bvs', outputs.queries, outputs.proposals)
        pairs = span_iou(annotated[:, None], annotated[None]).amax((-2, -1))
        moment, query = loss(similarity, outputs.owners, ious, pairs)
        return dict(loss_moment=moment, loss_query=query)

    def predict(
        self, features: ProposalFeatures, data_samples: List[GroundingDataSample]
    ) -> List[GroundingDataSample]:
        """The samples with ``pred_moments`` and ``pred_saliency``.

        A clip is as salient as the best moment that it is in.
        """
        outputs = self(features)
        scores = self.fuse_scores(outputs)
        spans = self.decode_spans(features, data_samples)
        order = scores.argsort(dim=1, descending=True, stable=True)
        ranked = spans.gather(1, order[..., None].expand(-1, -1, 2))
        moments = list(zip(ranked, scores.gather(1, order)))
        if self.post_processor is not None:
            durations = [sample.duration for sample in data_samples]
            moments = self.post_processor(moments, durations)
        mask = features.mask[features.owners]
        saliency = spread_proposals(scores, features.spans, mask)
        return add_predictions(data_samples, moments, saliency, mask)

    def fuse_scores(self, outputs: MatchOutputs) -> Tensor:
        """(B, S) in [0, 1], both scores in one."""
        contrast = ((outputs.contrast + 1) / 2).clamp(min=0) ** self.score_power
        return contrast * outputs.logits.sigmoid()

    @staticmethod
    def decode_spans(
        features: ProposalFeatures, data_samples: List[GroundingDataSample]
    ) -> Tensor:
        """(B, S, 2), start and end of all moments in seconds."""
        durations = [sample.duration for sample in data_samples]
        return features.spans * features.spans.new_tensor(durations)[:, None, None]


def gather_matches(
    outputs: MatchOutputs, ious: Tensor, annotated: Tensor, video_ids: Sequence[str]
) -> Tuple[MatchOutputs, Tensor, Tensor]:
    """What :meth:`MMNHead.match` takes, of the videos and queries of all processes."""
    owners, proposals = gather_videos(outputs.owners, video_ids, outputs.proposals)
    outputs = replace(
        outputs,
        proposals=proposals,
        queries=gather_rows(outputs.queries),
        owners=owners,
    )
    return outputs, gather_rows(ious), gather_ragged(annotated)


def stack_annotations(samples: List[GroundingDataSample], like: Tensor) -> Tensor:
    """(B, N, 2) seconds, inside of the video; samples with fewer repeat their first.

    Raises:
        ValueError: If a sample has no moment.
    """
    rows = []
    for sample in samples:
        spans = sample.gt_moments.spans.to(like)
        if not len(spans):
            raise ValueError(
                f'query {sample.metainfo.get("query_id")!r} has no moment to learn '
                'from; drop the line'
            )
        rows.append(spans.clamp(min=0, max=sample.duration))
    count = torch.tensor([len(row) for row in rows], device=like.device)
    stacked = pad_sequence(rows, batch_first=True)
    real = torch.arange(stacked.size(1), device=like.device) < count[:, None]
    return torch.where(real[..., None], stacked, stacked[:, :1])


def spread_proposals(scores: Tensor, spans: Tensor, mask: Tensor) -> Tensor:
    """The best score of the moments that the middle of a clip is in.

    Args:
        scores (Tensor): (B, S).
        spans (Tensor): (S, 2), shares of the video.
        mask (Tensor): (B, T) bool, real clips.

    Returns:
        Tensor: (B, T), 0 behind the end.
    """
    rows = []
    for values, length in zip(scores, mask.sum(1).tolist()):
        middle = (torch.arange(length, device=scores.device) + 0.5) / length
        inside = (middle[:, None] >= spans[:, 0]) & (middle[:, None] <= spans[:, 1])
        best = values.masked_fill(~inside, 0).amax(1)
        rows.append(F.pad(best, (0, mask.size(1) - length)))
    return torch.stack(rows)
