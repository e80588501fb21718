"""The head of UniVTG: every clip says whether it is inside, and where the ends are."""

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import AttentionPooling, ConvHead
from mmvtg.registry import MODELS, TASK_UTILS
from mmvtg.structures import FusedFeatures, GroundingDataSample

from .decoding import add_predictions, no_moments
from .targets import draw_positive, stack_moments, stack_relevance, stack_saliency


@dataclass
class ClipOutputs:
    """What the head says of every clip.

    Args:
        logits (Tensor): (B, T), of being inside a moment.
        similarity (Tensor): (B, T), cosine of clip and query before they met.
        query (Tensor): (B, C), pooled query.
        spans (Tensor, optional): (B, T, 2), (start, end) in fractions of the video.
    """

    logits: Tensor
    similarity: Tensor
    query: Tensor
    spans: Optional[Tensor] = None


@MODELS.register_module()
class UniVTGHead(BaseModule):
    """Foreground, offsets and saliency of each clip (UniVTG).

    Losses are computed in float32 whatever the autocast around them.

    Args:
        channels (int): C.
        with_boundary (bool): Regress moments; a clip is foreground if its point is in
            one. Else foreground are the ``positive_clips`` (highlight detection).
        losses (dict): Loss configs by role: ``cls`` (foreground), ``boundary`` and
            ``giou`` (of foreground clips), ``saliency`` (clips against the query) and
            ``video`` (positive clips against queries of the batch). A role that is
            missing or None is not trained.
        post_processor (dict, optional): Applied to predicted moments of a batch.
        point_offset (float): Where in its clip a point stands, in clips. The authors
            take half the clip length in seconds: 1.0, the end, where clips last 2 s.
        saliency_parts (Sequence[str]): What the predicted saliency is the sum of:
            ``class`` (foreground probability), ``similarity``, or both.
        official_padding (bool): Parity with the authors' code, whose convolutions see
            padded clips.

    Raises:
        ValueError: If a role is unknown, or needs boundaries and there are none.
    """

    def __init__(
        self,
        channels: int = 1024,
        with_boundary: bool = True,
        losses: Optional[Dict[str, dict]] = None,
        post_processor: Optional[dict] = None,
        point_offset: float = 0.5,
        saliency_parts: Sequence[str] = ('class', 'similarity'),
        official_padding: bool = False,
    ) -> None:
        super().__init__()
        given = losses or {}
        losses = {role: config for role, config in given.items() if config}
        boundary = {'boundary', 'giou'}
        known = {'cls', 'saliency', 'video'} | (boundary if with_boundary else set())
        if set(losses) - known or set(given) - known - boundary:
            raise ValueError(
                f'UniVTGHead: losses has {list(given)}, want some of {sorted(known)} '
                f'with with_boundary={with_boundary}'
            )
        self.point_offset = point_offset
        self.saliency_parts = tuple(saliency_parts)
        self.official_padding = official_padding
        self.post_processor = post_processor and TASK_UTILS.build(post_processor)
        self.class_head = ConvHead(channels, 1, num_convs=3)
        self.boundary_head = ConvHead(channels, 2, num_convs=3)
        if not with_boundary:
            self.boundary_head = None
        self.query_pool = AttentionPooling(channels)
        self.losses = nn.ModuleDict(
            {role: MODELS.build(config) for role, config in losses.items()}
        )

    def forward(self, fused: FusedFeatures) -> ClipOutputs:
        """Score fused clips (B, T, C); ``steps[0]`` holds what they were before."""
        # parity: the authors' convolutions see what lies in the padding
        mask = None if self.official_padding else fused.mask
        before, spans = fused.steps[0], None
        query = self.query_pool(before.words, fused.words_mask).float()
        if self.boundary_head is not None:
            reach = self.boundary_head(fused.clips, mask).float().sigmoid()
            points = self.points(fused.mask) / fused.mask.sum(1, keepdim=True)
            spans = points[..., None] + reach * reach.new_tensor([-1.0, 1.0])
        return ClipOutputs(
            logits=self.class_head(fused.clips, mask).float().squeeze(-1),
            similarity=torch.cosine_similarity(
                before.clips.float(), query[:, None], dim=-1
            ),
            query=query,
            spans=spans,
        )

    def points(self, mask: Tensor) -> Tensor:
        """Where clips stand (1, T), in clips."""
        clip = torch.arange(mask.size(1), device=mask.device, dtype=torch.float32)
        return (clip + self.point_offset)[None]

    def loss(
        self, fused: FusedFeatures, data_samples: List[GroundingDataSample]
    ) -> Dict[str, Tensor]:
        """Losses, each with its weight; their plain sum is the objective.

        Args:
            fused (FusedFeatures): From a neck, with a step.
            data_samples (list[GroundingDataSample]): With ``gt_moments`` (if the head
                regresses), ``gt_saliency``, ``fps``, and a positive clip or clips.

        Returns:
            dict[str, Tensor]: ``loss_<role>``, scalars.
        """
        outputs = self(fused)
        with torch.autocast(fused.clips.device.type, enabled=False):
            losses = self.clip_losses(outputs, fused.mask, data_samples)
            losses.update(self.contrast_losses(outputs, fused, data_samples))
        return {f'loss_{role}': losses[role] for role in self.losses}

    def clip_losses(
        self,
        outputs: ClipOutputs,
        mask: Tensor,
        data_samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Foreground, and offsets of the foreground (eq. 4 and 5)."""
        losses = {}
        if self.boundary_head is None:
            inside = stack_relevance(data_samples, mask.size(1)).to(mask.device)
        else:
            inside, target = self.assign(data_samples, mask)
        if 'cls' in self.losses:
            losses['cls'] = self.losses['cls'](outputs.logits, inside.float(), mask)
        for role in ('boundary', 'giou'):
            if role in self.losses:
                losses[role] = self.losses[role](outputs.spans, target, inside)
        return losses

    def contrast_losses(
        self,
        outputs: ClipOutputs,
        fused: FusedFeatures,
        data_samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Positive clips within their video and across videos (eq. 6 to 8)."""
        losses = {}
        if not {'saliency', 'video'} & set(self.losses):
            return losses
        drawn = [draw_positive(sample) for sample in data_samples]
        positive = torch.tensor(drawn, device=fused.mask.device)
        if 'saliency' in self.losses:
            saliency = stack_saliency(data_samples, fused.mask.size(1))
            losses['saliency'] = self.losses['saliency'](
                outputs.similarity,
                saliency.to(outputs.similarity),
                fused.mask,
                positive,
            )
        if 'video' in self.losses:
            own = torch.arange(len(positive), device=positive.device)
            clips = fused.steps[0].clips[own, positive].float()
            losses['video'] = self.losses['video'](clips, outputs.query)
        return losses

    def assign(
        self, data_samples: List[GroundingDataSample], mask: Tensor
    ) -> Tuple[Tensor, Tensor]:
        """Which clips are foreground, and the moment of each.

        The last moment that holds a clip's point is its moment. If no point is in any,
        the clip in which the first moment starts is foreground.

        Returns:
            tuple[Tensor, Tensor]: (B, T) bool, and (B, T, 2) in fractions of the video.
        """
        moments = stack_moments(data_samples).to(mask.device)
        point, length = self.points(mask)[..., None], mask.sum(1)
        inside = (moments[:, None, :, 0] <= point) & (point <= moments[:, None, :, 1])
        inside = inside & mask[..., None]
        rank = torch.arange(1, moments.size(1) + 1, device=mask.device)
        last = (inside * rank).amax(2)
        first = torch.minimum(moments[:, 0, 0].floor().long(), length - 1).clamp(min=0)
        lonely = ~(last > 0).any(1)
        start = torch.zeros_like(mask).scatter_(1, first[:, None], True)
        foreground = (last > 0) | (lonely[:, None] & start)
        index = (last - 1).clamp(min=0)[..., None].expand(-1, -1, 2)
        return foreground, moments.gather(1, index) / length[:, None, None]

    def predict(
        self, fused: FusedFeatures, data_samples: List[GroundingDataSample]
    ) -> List[GroundingDataSample]:
        """Moments in seconds, best first, and a saliency per clip.

        Args:
            fused (FusedFeatures): From a neck, any lengths.
            data_samples (list[GroundingDataSample]): With ``duration``.

        Returns:
            list[GroundingDataSample]: The same, ``pred_moments`` and ``pred_saliency``
            set.
        """
        outputs = self(fused)
        scores = outputs.logits.sigmoid()
        parts = {'class': scores, 'similarity': outputs.similarity}
        saliency = sum(parts[name] for name in self.saliency_parts)
        moments = self.decode(outputs, scores, fused.mask, data_samples)
        return add_predictions(data_samples, moments, saliency, fused.mask)

    def decode(
        self,
        outputs: ClipOutputs,
        scores: Tensor,
        mask: Tensor,
        data_samples: List[GroundingDataSample],
    ) -> List[Tuple[Tensor, Tensor]]:
        """One (spans (T_b, 2) in seconds, scores (T_b,)) a sample, best first."""
        if outputs.spans is None:
            return no_moments(scores)
        durations = [sample.duration for sample in data_samples]
        scores, order = scores.masked_fill(~mask, -1).sort(
            dim=1, descending=True, stable=True
        )
        spans = outputs.spans.gather(1, order[..., None].expand(-1, -1, 2))
        spans = spans * scores.new_tensor(durations)[:, None, None]
        lengths = mask.sum(1).tolist()
        moments = [(s[:n], c[:n]) for s, c, n in zip(spans, scores, lengths)]
        if self.post_processor is None:
            return moments
        return self.post_processor(moments, durations)
