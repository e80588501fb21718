"""The head of Moment-DETR and QD-DETR: a set of moments and a saliency per clip."""

from typing import Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.decoders.anchor_decoder import inverse_sigmoid
from mmvtg.models.layers import MLP
from mmvtg.registry import MODELS, TASK_UTILS
from mmvtg.structures import FusedFeatures, GroundingDataSample, center_to_span

from .decoding import DETROutputs, add_predictions, no_moments
from .targets import stack_centers, stack_pairs, stack_saliency


@MODELS.register_module()
class DETRHead(BaseModule):
    """Decodes moments as a set, each layer trained, and scores clips.

    Losses are computed in float32 whatever the autocast around them.

    Args:
        channels (int): C.
        saliency (dict): ``FusedFeatures -> (B, T)``, default :class:`LinearSaliency`.
        decoder (dict, optional): ``FusedFeatures -> DecoderOutputs``; None: there are
            no moments (highlight detection without windows).
        losses (dict): Loss configs by role: ``span``, ``giou``, ``label`` and ``words``
            of all decoder layers, ``saliency`` (pairs of clips), ``rank`` (all clips)
            and ``negative`` (foreign queries). A missing role, or None, is not
            trained.
        matcher (dict, optional): Default :class:`HungarianMatcher`.
        post_processor (dict, optional): Applied to predicted moments of a batch.
        saliency_pairs (Sequence[str]): Which pairs of clips to draw, see
            :func:`draw_pairs`.
        max_targets (int): Of more annotated moments so many are drawn.
        word_channels (int): Width in which states and words meet for the loss
            ``words``.
        official_padding (bool): Parity with the authors' code, where padding takes part
            in the loss ``words``.

    Raises:
        ValueError: If a role is unknown, or needs a decoder and there is none.
    """

    #: Roles of losses that need a decoder, and others.
    MOMENT_ROLES = ('span', 'giou', 'label', 'words')
    CLIP_ROLES = ('saliency', 'rank', 'negative')

    def __init__(
        self,
        channels: int = 256,
        saliency: Optional[dict] = None,
        decoder: Optional[dict] = None,
        losses: Optional[Dict[str, dict]] = None,
        matcher: Optional[dict] = None,
        post_processor: Optional[dict] = None,
        saliency_pairs: Sequence[str] = ('hard', 'easy'),
        max_targets: int = 5,
        word_channels: int = 64,
        official_padding: bool = False,
    ) -> None:
        super().__init__()
        given = losses or {}
        losses = {role: config for role, config in given.items() if config}
        known = self.CLIP_ROLES + (self.MOMENT_ROLES if decoder else ())
        unknown = set(given) - {*self.CLIP_ROLES, *self.MOMENT_ROLES}
        if unknown or set(losses) - set(known):
            raise ValueError(
                f'{type(self).__name__}: losses has {list(given)}, want some of '
                f'{known}' + ('' if decoder else ' as there is no decoder')
            )
        self.saliency_pairs = tuple(saliency_pairs)
        self.max_targets = max_targets
        self.official_padding = official_padding
        saliency = {'type': 'LinearSaliency', 'channels': channels, **(saliency or {})}
        self.saliency = MODELS.build(saliency)
        self.decoder = None
        if decoder:
            self.decoder = MODELS.build({'channels': channels, **decoder})
            self.class_proj = nn.Linear(channels, 2)
            self.span_mlp = MLP(channels, channels, 2, 3)
        if 'words' in losses:
            self.state_proj = nn.Linear(channels, word_channels)
            self.word_proj = nn.Linear(channels, word_channels)
        self.matcher = TASK_UTILS.build(matcher or dict(type='HungarianMatcher'))
        self.post_processor = post_processor and TASK_UTILS.build(post_processor)
        self.losses = nn.ModuleDict(
            {role: MODELS.build(config) for role, config in losses.items()}
        )

    def forward(self, fused: FusedFeatures) -> DETROutputs:
        """Moments and saliency of fused clips (B, T, C)."""
        return DETROutputs(
            saliency=self.saliency(fused).float(),
            negative=fused.negative and self.saliency(fused.negative).float(),
            **self.decode(fused),
        )

    def decode(self, fused: FusedFeatures) -> Dict[str, Tensor]:
        """``states``, ``logits`` and ``spans`` of all decoder layers."""
        if self.decoder is None:
            return {}
        decoded = self.decoder(fused)
        spans = self.span_mlp(decoded.states).float()
        if decoded.anchors is not None:
            spans = spans + inverse_sigmoid(decoded.anchors.float())
        logits = self.class_proj(decoded.states).float()
        return dict(states=decoded.states, logits=logits, spans=spans.sigmoid())

    def loss(
        self, fused: FusedFeatures, data_samples: List[GroundingDataSample]
    ) -> Dict[str, Tensor]:
        """Losses, each with its weight; their plain sum is the objective.

        Args:
            fused (FusedFeatures): From a neck.
            data_samples (list[GroundingDataSample]): With ``gt_moments`` (if there is a
                decoder), ``gt_saliency``, ``fps`` and ``positive_clips``.

        Returns:
            dict[str, Tensor]: ``loss_<role>``, scalars; of decoder layers before the
            last with their number behind.
        """
        outputs = self(fused)
        with torch.autocast(fused.clips.device.type, enabled=False):
            losses = self.clip_losses(outputs, fused, data_samples)
            if self.decoder is not None:
                losses.update(self.moment_losses(outputs, fused, data_samples))
        return {f'loss_{role}': value for role, value in losses.items()}

    def clip_losses(
        self,
        outputs: DETROutputs,
        fused: FusedFeatures,
        data_samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Losses of the saliency, own queries and foreign ones."""
        scores, mask = outputs.saliency, fused.mask
        target = stack_saliency(data_samples, mask.size(1)).to(scores)
        losses = {}
        if 'saliency' in self.losses:
            pairs = stack_pairs(data_samples, target, mask, self.saliency_pairs)
            losses['saliency'] = self.losses['saliency'](scores, pairs)
        if outputs.negative is not None:
            if 'negative' in self.losses:
                losses['negative'] = self.losses['negative'](outputs.negative, mask)
            scores = torch.cat([scores, outputs.negative], dim=1)
            target = torch.cat([target, torch.zeros_like(target)], dim=1)
            mask = torch.cat([mask, mask], dim=1)
        if 'rank' in self.losses:
            losses['rank'] = self.losses['rank'](scores, target, mask)
        return losses

    def moment_losses(
        self,
        outputs: DETROutputs,
        fused: FusedFeatures,
        data_samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Losses of all decoder layers, each matched on its own."""
        targets, counts = stack_centers(data_samples, fused.mask, self.max_targets)
        found = self.matcher(outputs.logits, outputs.spans, targets, counts)
        layers = zip(found, outputs.states, outputs.logits, outputs.spans)
        losses, last = {}, len(found) - 1
        for layer, (rows, states, logits, spans) in enumerate(layers):
            index = rows.clamp(min=0)[..., None].expand(-1, -1, 2)
            parts = self.span_losses(logits, spans, rows >= 0, targets.gather(1, index))
            if 'words' in self.losses:
                parts['words'] = self.word_loss(states, fused, rows >= 0)
            suffix = '' if layer == last else f'_{layer}'
            losses.update({role + suffix: value for role, value in parts.items()})
        return losses

    def span_losses(
        self, logits: Tensor, spans: Tensor, matched: Tensor, target: Tensor
    ) -> Dict[str, Tensor]:
        """Span, IoU and class of one layer, (B, Q, 2), (B, Q, 2), (B, Q), (B, Q, 2)."""
        losses = {}
        if 'span' in self.losses:
            losses['span'] = self.losses['span'](spans, target, matched)
        if 'giou' in self.losses:
            losses['giou'] = self.losses['giou'](
                center_to_span(spans), center_to_span(target), matched
            )
        if 'label' in self.losses:
            one_hot = torch.stack([matched, ~matched], dim=-1).to(logits)
            losses['label'] = self.losses['label'](logits, one_hot)
        return losses

    def word_loss(
        self, states: Tensor, fused: FusedFeatures, matched: Tensor
    ) -> Tensor:
        """States (B, Q, C) of one layer against the words."""
        mask = fused.words_mask
        if self.official_padding:  # parity: padded words count
            mask = torch.ones_like(mask)
        dtype = self.state_proj.weight.dtype
        states = self.state_proj(states.to(dtype))
        words = self.word_proj(fused.words.to(dtype))
        return self.losses['words'](states, words, matched, mask)

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
        moments = self.decode_moments(outputs, data_samples)
        return add_predictions(data_samples, moments, outputs.saliency, fused.mask)

    def decode_moments(
        self, outputs: DETROutputs, data_samples: List[GroundingDataSample]
    ) -> List[Tuple[Tensor, Tensor]]:
        """One (spans (Q, 2) in seconds, scores (Q,)) a sample, best first."""
        if outputs.logits is None:
            return no_moments(outputs.saliency)
        durations = [sample.duration for sample in data_samples]
        scores = outputs.logits[-1].softmax(-1)[..., 0]
        scores, order = scores.sort(dim=1, descending=True, stable=True)
        spans = outputs.spans[-1].gather(1, order[..., None].expand(-1, -1, 2))
        seconds = scores.new_tensor(durations)[:, None, None]
        moments = list(zip(center_to_span(spans) * seconds, scores))
        if self.post_processor is None:
            return moments
        return self.post_processor(moments, durations)
