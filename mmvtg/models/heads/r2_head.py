"""The head of R2-Tuning: a class and a distance to both ends at every point."""

from typing import Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import AttentionPooling, ConvHead
from mmvtg.registry import MODELS, TASK_UTILS
from mmvtg.structures import FusedFeatures, GroundingDataSample

from .decoding import (
    HeadOutputs,
    add_predictions,
    decode_moments,
    no_moments,
    spread_scores,
)
from .targets import draw_positive, stack_moments, stack_saliency

_LOSSES = ('cls', 'boundary', 'saliency', 'video', 'layer')


@MODELS.register_module()
class R2Head(BaseModule):
    """Classifies and regresses at the points of a temporal pyramid.

    It computes in the data type of its parameters whatever the autocast around it.

    Args:
        channels (int): C.
        strides (Sequence[int]): Of the pyramid's levels.
        with_boundary (bool): Regress moments, and let the class say whether a point is
            in one. Else the class of level 0 is trained on the saliency target itself
            and there are no moments (highlight detection without windows).
        losses (dict): Loss configs by role: ``cls``, ``boundary`` (distances),
            ``saliency`` (clips against query), ``video`` and ``layer`` (calibration of
            the refinement steps across samples and across steps). A missing role is not
            trained.
        assigner (dict, optional): Target assigner.
        post_processor (dict, optional): Applied to predicted moments of a batch.
        max_moments (int): Kept by score before post-processing.
        official_padding (bool): Parity with the authors' code, whose convolutions see
            padded clips, and whose boundary loss counts positive points in the padding:
            a moment that ends with its video has one if the batch has a longer video.

    Raises:
        ValueError: If a role is unknown, or roles and levels do not fit the head.
    """

    def __init__(
        self,
        channels: int = 256,
        strides: Sequence[int] = (1, 2, 4, 8),
        with_boundary: bool = True,
        losses: Optional[Dict[str, dict]] = None,
        assigner: Optional[dict] = None,
        post_processor: Optional[dict] = None,
        max_moments: int = 50,
        official_padding: bool = False,
    ) -> None:
        super().__init__()
        losses = losses or {}
        self._check(losses, strides, with_boundary)
        self.official_padding = official_padding
        self.max_moments = max_moments
        self.point_generator = TASK_UTILS.build(
            dict(type='PointGenerator', strides=strides)
        )
        self.assigner = TASK_UTILS.build(assigner or dict(type='PointTargetAssigner'))
        self.post_processor = (
            None if post_processor is None else TASK_UTILS.build(post_processor)
        )
        self.class_head = ConvHead(channels, 1)
        self.boundary_head = ConvHead(channels, 2) if with_boundary else None
        self.level_scale = nn.Parameter(
            torch.ones(len(strides)), requires_grad=with_boundary
        )
        self.query_pool = AttentionPooling(channels)
        self.losses = nn.ModuleDict(
            {role: MODELS.build(config) for role, config in losses.items() if config}
        )

    @staticmethod
    def _check(losses: dict, strides: Sequence[int], with_boundary: bool) -> None:
        if set(losses) - set(_LOSSES):
            raise ValueError(
                f'R2Head: losses has {list(losses)}, want some of {_LOSSES}'
            )
        if not with_boundary and (losses.get('boundary') or tuple(strides) != (1,)):
            raise ValueError(
                'R2Head: with_boundary=False trains the class of every clip, which '
                'needs strides=(1,) and no boundary loss'
            )

    def forward(self, fused: FusedFeatures) -> HeadOutputs:
        """Score all points.

        Args:
            fused (FusedFeatures): With levels; all (B, ., C).
        """
        dtype = self.level_scale.dtype
        levels = [level.to(dtype) for level in fused.levels]
        # parity: the authors' convolutions see what lies in the padding
        masks = [None if self.official_padding else m for m in fused.level_masks]
        with torch.autocast(fused.clips.device.type, enabled=False):
            logits = [self.class_head(x, m) for x, m in zip(levels, masks)]
            distances = None
            if self.boundary_head is not None:
                scaled = [
                    self.boundary_head(x, m).exp() * scale
                    for x, m, scale in zip(levels, masks, self.level_scale)
                ]
                distances = torch.cat(scaled, dim=1)
            query = self.query_pool(fused.words.to(dtype), fused.words_mask)
            similarity = torch.cosine_similarity(
                fused.clips.to(dtype), query[:, None], dim=-1
            )
        lengths = [level.size(1) for level in levels]
        return HeadOutputs(
            logits=torch.cat(logits, dim=1).squeeze(-1),
            distances=distances,
            points=self.point_generator(lengths, fused.clips.device),
            mask=torch.cat(fused.level_masks, dim=1),
            similarity=similarity,
        )

    def loss(
        self, fused: FusedFeatures, data_samples: List[GroundingDataSample]
    ) -> Dict[str, Tensor]:
        """Losses, each with its weight; their plain sum is the objective.

        Args:
            fused (FusedFeatures): With levels and steps.
            data_samples (list[GroundingDataSample]): With ``gt_moments`` (if the head
                regresses), ``gt_saliency``, ``fps``, and a positive clip or clips.

        Returns:
            dict[str, Tensor]: ``loss_<role>``, scalars.
        """
        outputs = self(fused)
        saliency = stack_saliency(data_samples, fused.mask.size(1)).to(outputs.logits)
        losses = self.point_losses(outputs, saliency, data_samples)
        if {'saliency', 'video', 'layer'} & set(self.losses):
            drawn = [draw_positive(sample) for sample in data_samples]
            positive = torch.tensor(drawn, device=fused.mask.device)
            with torch.autocast(fused.clips.device.type, enabled=False):
                losses.update(self.contrast_losses(fused, outputs, saliency, positive))
        return {f'loss_{role}': losses[role] for role in self.losses}

    def point_losses(
        self,
        outputs: HeadOutputs,
        saliency: Tensor,
        data_samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Class and boundary losses (eq. 12 and 13).

        Args:
            outputs (HeadOutputs): Of this head.
            saliency (Tensor): (B, T), the target of a head without boundaries.
            data_samples (list[GroundingDataSample]): Their moments are assigned.

        Returns:
            dict: Scalars by role, of the roles that have a loss.
        """
        losses = {}
        if self.boundary_head is None:
            target, positive = saliency, None
        else:
            positive, distances = self.assign(outputs.points, data_samples)
            target = positive.to(outputs.logits)
        if 'cls' in self.losses:
            losses['cls'] = self.losses['cls'](outputs.logits, target, outputs.mask)
        if 'boundary' in self.losses:
            if not self.official_padding:  # parity: positives in the padding count
                positive = positive & outputs.mask
            losses['boundary'] = self.losses['boundary'](
                outputs.distances, distances, positive
            )
        return losses

    def assign(
        self, points: Tensor, data_samples: List[GroundingDataSample]
    ) -> Tuple[Tensor, Tensor]:
        """Positive points (B, S) and distances (B, S, 2) to the annotated moments."""
        return self.assigner(points, stack_moments(data_samples).to(points.device))

    def contrast_losses(
        self,
        fused: FusedFeatures,
        outputs: HeadOutputs,
        saliency: Tensor,
        positive: Tensor,
    ) -> Dict[str, Tensor]:
        """Saliency contrast and calibration of the steps (eq. 9 to 11, 15).

        Args:
            fused (FusedFeatures): With ``steps``.
            outputs (HeadOutputs): Of this head.
            saliency (Tensor): (B, T), annotated.
            positive (Tensor): (B,) int64, the clip that stands for its query.

        Returns:
            dict: Scalars by role, of the roles that have a loss.
        """
        losses = {}
        if 'saliency' in self.losses:
            losses['saliency'] = self.losses['saliency'](
                outputs.similarity, saliency, fused.mask, positive
            )
        if not {'video', 'layer'} & set(self.losses):
            return losses
        own = torch.arange(len(positive), device=positive.device)
        clips = torch.stack([step.clips[own, positive] for step in fused.steps])
        words = torch.stack([step.words for step in fused.steps])
        mask = fused.words_mask.expand(len(words), -1, -1)
        clips, words = (x.to(self.level_scale.dtype) for x in (clips, words))
        words = self.query_pool(words, mask)
        if 'video' in self.losses:
            losses['video'] = self.losses['video'](clips, words)
        if 'layer' in self.losses:
            losses['layer'] = self.losses['layer'](
                clips.transpose(0, 1), words.transpose(0, 1)
            )
        return losses

    def predict(
        self, fused: FusedFeatures, data_samples: List[GroundingDataSample]
    ) -> List[GroundingDataSample]:
        """Moments in seconds, best first, and a saliency per clip.

        Saliency is the best class probability over the levels times the similarity of
        clip and query; for a head without boundaries the probability alone.

        Args:
            fused (FusedFeatures): With levels, any lengths.
            data_samples (list[GroundingDataSample]): With ``fps``, and ``duration`` if
                there is a post-processor.

        Returns:
            list[GroundingDataSample]: The same, ``pred_moments`` and ``pred_saliency``
            set.
        """
        outputs = self(fused)
        saliency = spread_scores(
            outputs.logits.sigmoid(),
            [mask.size(1) for mask in fused.level_masks],
            self.point_generator.strides,
            fused.mask,
        )
        if self.boundary_head is not None:
            saliency = saliency * outputs.similarity
        moments = self.decode(outputs, data_samples)
        return add_predictions(data_samples, moments, saliency, fused.mask)

    def decode(
        self, outputs: HeadOutputs, data_samples: List[GroundingDataSample]
    ) -> List[Tuple[Tensor, Tensor]]:
        """One (spans (N, 2) in seconds, scores (N,)) a sample, best first."""
        if outputs.distances is None:
            return no_moments(outputs.logits)
        fps = outputs.logits.new_tensor([sample.fps for sample in data_samples])
        moments = decode_moments(outputs, fps, self.max_moments)
        if self.post_processor is None:
            return moments
        durations = [sample.duration for sample in data_samples]
        return self.post_processor(moments, durations)
