"""The head of STALE: classes and masks of clips, side by side."""

from dataclasses import dataclass
from typing import Dict, List, Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models import losses as _  # noqa: F401  configs name them
from mmvtg.models.task_modules import SnippetTargets, snippet_targets
from mmvtg.registry import MODELS, TASK_UTILS
from mmvtg.structures import GroundingDataSample

from .foreground import binarize
from .snippet_classifier import classify_snippets


@dataclass
class STALEOutputs:
    """What the head says.

    Args:
        logits (Tensor): (B, T, K + 1), background last.
        mask_logits (Tensor): (B, T, T), [b, i, t]: does clip i belong to the instance
            of clip t?
        foreground (Tensor): (B, T) bool, clips whose features are classified.
        foreground_logits (Tensor, optional): (B, T); None without such a branch.
    """

    logits: Tensor
    mask_logits: Tensor
    foreground: Tensor
    foreground_logits: Optional[Tensor] = None


@dataclass
class Proposals:
    """Candidates of one video or window.

    Args:
        spans (Tensor): (N, 2) s.
        scores (Tensor): (N,).
        labels (Tensor): (N,) int64.
        classes (Tensor, optional): (T, K + 1) probabilities, for pictures.
        foreground (Tensor, optional): (T,) probabilities, for pictures.
    """

    spans: Tensor
    scores: Tensor
    labels: Tensor
    classes: Optional[Tensor] = None
    foreground: Optional[Tensor] = None


@MODELS.register_module()
class STALEHead(BaseModule):
    """Class-agnostic mask, adapted text, classifier and localiser (STALE, section 3.2).

    Args:
        channels (int): C of clips and class embeddings.
        localizer (dict): ``(clips, mask) -> (B, T, T)`` logits.
        foreground (dict, optional): ``(clips, mask, target) -> (B, T)`` logits; None:
            every clip is classified.
        adaption (dict, optional): ``(text, clips, foreground) -> text``; None: class
            embeddings stay as they are.
        losses (dict, optional): Loss configs by role: ``classes``, ``masks``,
            ``foreground`` and ``consistency``. A missing role is not trained.
        candidates (dict, optional): Default :class:`MaskCandidates`.
        binarize_at (float): theta_bin.
        fill (str): See :func:`classify_snippets`.
        straight_through (bool): Let the classes' gradient reach the foreground, as if
            it had not been made binary.
        video_scores (dict, optional): :class:`VideoClassScores`, mixed into the classes
            in test; needs ``video_id`` in the samples.

    Raises:
        ValueError: If ``fill`` or the role of a loss is unknown.
    """

    ROLES = ('classes', 'masks', 'foreground', 'consistency')

    def __init__(
        self,
        channels: int,
        localizer: dict,
        foreground: Optional[dict] = None,
        adaption: Optional[dict] = None,
        losses: Optional[Dict[str, dict]] = None,
        candidates: Optional[dict] = None,
        binarize_at: float = 0.5,
        fill: str = 'background',
        straight_through: bool = False,
        video_scores: Optional[dict] = None,
    ) -> None:
        super().__init__()
        losses = losses or {}
        if set(losses) - set(self.ROLES):
            raise ValueError(f'losses has {list(losses)}, want some of {self.ROLES}')
        if fill not in ('background', 'zero'):
            raise ValueError(f"fill is {fill!r}, want 'background' or 'zero'")
        self.background = nn.Parameter(0.02 * torch.randn(channels))
        self.localizer = MODELS.build(localizer)
        self.foreground = foreground and MODELS.build(foreground)
        self.adaption = adaption and MODELS.build(adaption)
        self.losses = nn.ModuleDict(
            {role: MODELS.build(config) for role, config in losses.items() if config}
        )
        self.candidates = TASK_UTILS.build(candidates or dict(type='MaskCandidates'))
        self.binarize_at = binarize_at
        self.fill = fill
        self.straight_through = straight_through
        self.video_scores = video_scores and TASK_UTILS.build(video_scores)

    def forward(
        self, clips: Tensor, mask: Tensor, text: Tensor, target: Optional[Tensor] = None
    ) -> STALEOutputs:
        """Classes and masks.

        Args:
            clips (Tensor): (B, T, C).
            mask (Tensor): (B, T) bool.
            text (Tensor): (K, C), class embeddings.
            target (Tensor, optional): (B, T) bool, annotated foreground, for
                :class:`AnnotatedForeground`.
        """
        chosen, weight, fg_logits = mask, None, None
        if self.foreground is not None:
            fg_logits = self.foreground(clips, mask, target)
            probability = fg_logits.sigmoid()
            chosen = binarize(probability, mask, self.binarize_at)
            if self.straight_through:
                weight = chosen.to(clips.dtype) + probability - probability.detach()
        text = torch.cat([text, self.background[None].to(text.dtype)])
        text = text.expand(len(clips), -1, -1)
        if self.adaption is not None:
            text = self.adaption(text, clips, chosen)
        logits = classify_snippets(text, clips, chosen, self.fill, weight)
        masks = self.localizer(clips, mask)
        return STALEOutputs(logits.float(), masks.float(), chosen, fg_logits)

    def loss(
        self,
        clips: Tensor,
        mask: Tensor,
        text: Tensor,
        samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Losses by name; arguments as in :meth:`forward` and :meth:`targets`."""
        target = self.targets(samples, mask, len(text))
        out = self(clips, mask, text, target.foreground)
        arguments = dict(
            classes=(out.logits, target.classes, mask),
            masks=(out.mask_logits, target.masks, target.foreground, mask),
            consistency=(out.logits, out.mask_logits, clips.float(), mask),
        )
        if out.foreground_logits is not None:
            fg = target.foreground.float()
            arguments['foreground'] = (out.foreground_logits.float(), fg, mask)
        return {
            f'loss_{role}': loss(*arguments[role])
            for role, loss in self.losses.items()
            if role in arguments
        }

    @torch.no_grad()
    def targets(
        self, samples: List[GroundingDataSample], mask: Tensor, num_classes: int
    ) -> SnippetTargets:
        """Targets of a batch; padding is background.

        Args:
            samples (list[GroundingDataSample]): With ``gt_moments`` (spans in s of the
                video, labels) and ``window`` (s), what the clips cover.
            mask (Tensor): (B, T) bool.
            num_classes (int): K.
        """
        classes = torch.full(mask.shape, num_classes, device=mask.device)
        masks = mask.new_zeros(*mask.shape, mask.size(1))
        foreground = torch.zeros_like(mask)
        for row, (sample, length) in enumerate(zip(samples, mask.sum(1).tolist())):
            start, end = sample.window
            truth = sample.gt_moments.to(mask.device)
            one = snippet_targets(
                truth.spans - start, truth.labels, end - start, length, num_classes
            )
            classes[row, :length] = one.classes
            masks[row, :length, :length] = one.masks
            foreground[row, :length] = one.foreground
        return SnippetTargets(classes, masks, foreground)

    def propose(
        self,
        clips: Tensor,
        mask: Tensor,
        text: Tensor,
        samples: List[GroundingDataSample],
    ) -> List[Proposals]:
        """Candidates of each row, before suppression; arguments as in :meth:`loss`."""
        target = None
        if getattr(self.foreground, 'uses_annotation', False):
            target = self.targets(samples, mask, len(text)).foreground
        out = self(clips, mask, text, target)
        scores, masks = out.logits.softmax(-1), out.mask_logits.sigmoid()
        foreground = out.foreground.float()
        if out.foreground_logits is not None:
            foreground = out.foreground_logits.float().sigmoid()
        rows = []
        for row, (sample, length) in enumerate(zip(samples, mask.sum(1).tolist())):
            classes = scores[row, :length, :-1]
            if self.video_scores is not None:
                classes = self.video_scores(classes, sample.video_id, sample.classes)
            spans, score, label = self.candidates.propose(
                classes, masks[row, :length, :length]
            )
            start, end = sample.window
            spans = start + spans.to(score.dtype) * (end - start)
            rows.append(
                Proposals(
                    spans, score, label, scores[row, :length], foreground[row, :length]
                )
            )
        return rows
