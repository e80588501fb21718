"""Proposals from elsewhere get their classes: the second stage of Efficient-Prompt."""

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmvtg.models.task_modules import read_proposals
from mmvtg.registry import MODELS, TASK_UTILS
from mmvtg.structures import GroundingDataSample, seconds_to_clips

from .class_name_classifier import classification_loss
from .stale_head import Proposals


@MODELS.register_module()
class SegmentNamingHead(BaseModule):
    """The mean of a segment's clips against class embeddings (Ju et al., section 3.2).

    Trained on annotated segments; used on proposals of a file, whatever made them: the
    results of a class-agnostic detector, in ActivityNet's layout. A detection scores
    proposal score x class probability (the paper does not say how it fuses them).

    Args:
        proposals (str, optional): The file. Only needed to predict, and not for samples
            that bring ``proposals`` (spans in s, scores) of their own.
        temperature (float): Divides the cosines.
        top_classes (int): Each proposal is listed with so many classes.
        max_proposals (int): Used of each video, best first.
        candidates (dict, optional): Suppression of what is found in all windows.
    """

    #: Finds nothing itself.
    names_proposals = True

    def __init__(
        self,
        proposals: Optional[str] = None,
        temperature: float = 0.07,
        top_classes: int = 1,
        max_proposals: int = 200,
        candidates: Optional[dict] = None,
    ) -> None:
        super().__init__()
        self.proposals = proposals
        self.temperature = temperature
        self.top_classes = top_classes
        self.max_proposals = max_proposals
        self.candidates = TASK_UTILS.build(candidates or dict(type='MaskCandidates'))
        self._known: Optional[dict] = None

    def loss(
        self,
        clips: Tensor,
        mask: Tensor,
        text: Tensor,
        samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Cross-entropy over annotated segments.

        Args:
            clips (Tensor): (B, T, C).
            mask (Tensor): (B, T) bool.
            text (Tensor): (K, C), class embeddings.
            samples (list): With ``gt_moments`` (spans in s, labels) and ``window`` (s).

        Raises:
            ValueError: No sample of the batch has a segment.
        """
        features, labels = [], []
        for row, valid, sample in zip(clips, mask, samples):
            spans = to_clips(sample.gt_moments.spans, sample.window, int(valid.sum()))
            features.append(mean_inside(row[valid], spans))
            labels.append(sample.gt_moments.labels)
        labels = torch.cat(labels).to(clips.device)
        if not len(labels):
            raise ValueError(
                'a batch without any annotated segment has nothing to name'
            )
        return classification_loss(self._logits(torch.cat(features), text), labels)

    @torch.no_grad()
    def propose(
        self,
        clips: Tensor,
        mask: Tensor,
        text: Tensor,
        samples: List[GroundingDataSample],
    ) -> List[Proposals]:
        """Name the proposals that lie in the samples' windows; as :meth:`loss`."""
        rows = []
        for row, valid, sample in zip(clips, mask, samples):
            seconds, scores = self._proposals_of(sample)
            seconds, scores = seconds.to(clips.device), scores.to(clips.device)
            spans = to_clips(seconds, sample.window, int(valid.sum()))
            logits = self._logits(mean_inside(row[valid], spans), text)
            count = min(self.top_classes, len(text))
            best, label = logits.softmax(-1).topk(count, dim=-1)
            rows.append(
                Proposals(
                    seconds.repeat_interleave(count, dim=0),
                    (best * scores[:, None]).flatten(),
                    label.flatten(),
                )
            )
        return rows

    def _logits(self, features: Tensor, text: Tensor) -> Tensor:
        cosine = F.normalize(features, dim=-1) @ F.normalize(text, dim=-1).T
        return cosine / self.temperature

    def _proposals_of(self, sample: GroundingDataSample) -> Tuple[Tensor, Tensor]:
        """Spans (N, 2) in s and scores (N,), centre inside of the sample's window."""
        spans, scores = self._all_proposals_of(sample)
        start, end = sample.window
        middle = spans.mean(dim=1)
        # windows overlap: a proposal is named where it lies, at most twice
        inside = (middle >= start) & (middle <= end)
        return spans[inside], scores[inside]

    def _all_proposals_of(self, sample: GroundingDataSample) -> Tuple[Tensor, Tensor]:
        """The sample's own, else those of the file, best first."""
        if 'proposals' in sample:
            best = sample.proposals[: self.max_proposals]
            return best.spans, best.scores
        if self.proposals is None:
            raise ValueError(
                'SegmentNamingHead needs proposals to predict: set '
                "model.head.proposals to a file in ActivityNet's layout"
            )
        if self._known is None:
            self._known = read_proposals(self.proposals, self.max_proposals)
        nothing = torch.zeros(0, 2), torch.zeros(0)
        return self._known.get(sample.video_id, nothing)


def to_clips(spans: Tensor, window: Tuple[float, float], length: int) -> Tensor:
    """Spans (N, 2) in seconds as places in a window of ``length`` clips, cut to it."""
    start, end = window
    clips = seconds_to_clips(spans.float() - start, length / (end - start))
    return clips.clamp(0, length)


def mean_inside(clips: Tensor, spans: Tensor) -> Tensor:
    """Mean of the clips whose middle lies in a span; the nearest clip if none does.

    Args:
        clips (Tensor): (T, C).
        spans (Tensor): (N, 2), in clips.

    Returns:
        Tensor: (N, C).
    """
    middle = torch.arange(len(clips), device=clips.device) + 0.5
    spans = spans.to(clips.device)
    inside = (middle >= spans[:, :1]) & (middle < spans[:, 1:])
    nearest = (middle - spans.mean(dim=1, keepdim=True)).abs().argmin(dim=1)
    alone = F.one_hot(nearest, len(clips)).bool()
    inside = torch.where(inside.any(dim=1, keepdim=True), inside, alone)
    weight = inside.to(clips.dtype)
    return weight @ clips / weight.sum(dim=1, keepdim=True)
