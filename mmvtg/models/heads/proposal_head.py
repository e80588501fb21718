"""Proposals first, classes afterwards: the two-stage baseline B-I of STALE."""

from typing import Dict, List, Optional

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from mmvtg.registry import MODELS, TASK_UTILS
from mmvtg.structures import GroundingDataSample

from .stale_head import Proposals


@MODELS.register_module()
class BMNHead(BaseModule):
    """mmaction2's BMN proposes, the mean of a proposal's features is classified.

    BMN learns from the segments alone. Nothing of the classification is learned: the
    cosine between the mean feature and class embeddings, softmax over the classes.
    Both must lie in the same space (CLIP), so there is no embedding before this head.

    Args:
        channels (int): C of the features.
        num_snippets (int): T; every video has so many.
        bmn (dict, optional): Further arguments of mmaction2's BMN.
        top_classes (int): Each proposal is listed with so many classes.
        max_proposals (int): Kept of BMN's candidates, best first.
        candidates (dict, optional): Its ``nms`` is used; default as
            :class:`MaskCandidates`.
        scale (float): Inverse temperature of the classes.
        name_channels (int, optional): Channels that are classified, the first ones;
            default all.
    """

    def __init__(
        self,
        channels: int,
        num_snippets: int,
        bmn: Optional[dict] = None,
        top_classes: int = 1,
        max_proposals: int = 100,
        candidates: Optional[dict] = None,
        scale: float = 100.0,
        name_channels: Optional[int] = None,
    ) -> None:
        super().__init__()
        settings = dict(
            type='mmaction.BMN',
            temporal_dim=num_snippets,
            boundary_ratio=0.5,
            num_samples=32,
            num_samples_per_bin=3,
            feat_dim=channels,
            soft_nms_alpha=0.4,
            soft_nms_low_threshold=0.5,
            soft_nms_high_threshold=0.9,
            post_process_top_k=max_proposals,
            loss_cls=dict(type='mmaction.BMNLoss'),
        )
        self.bmn = MODELS.build({**settings, **(bmn or {})})
        self.num_snippets = num_snippets
        self.top_classes = top_classes
        self.max_proposals = max_proposals
        self.scale = scale
        self.name_channels = name_channels
        self.candidates = TASK_UTILS.build(candidates or dict(type='MaskCandidates'))

    def loss(
        self,
        clips: Tensor,
        mask: Tensor,
        text: Tensor,
        samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """BMN's loss; ``clips`` (B, T, C), the class embeddings are not read."""
        self._check(mask)
        boxes = []
        for sample in samples:
            start, end = sample.window
            spans = (sample.gt_moments.spans.float() - start) / (end - start)
            boxes.append(InstanceData(gt_bbox=spans.clamp(0, 1).cpu()))
        rows = [_Annotated(box) for box in boxes]
        return self.bmn.loss(clips.transpose(1, 2), rows)

    @torch.no_grad()
    def propose(
        self,
        clips: Tensor,
        mask: Tensor,
        text: Tensor,
        samples: List[GroundingDataSample],
    ) -> List[Proposals]:
        """Scored segments with classes; arguments as in :meth:`loss`."""
        self._check(mask)
        maps, starts, ends = self.bmn._forward(clips.transpose(1, 2))
        rows = []
        for index, sample in enumerate(samples):
            spans, scores = boundary_proposals(
                maps[index, 0] * maps[index, 1], starts[index], ends[index]
            )
            spans, scores = spans[: self.max_proposals], scores[: self.max_proposals]
            rows.append(self._classify(clips[index], spans, scores, text, sample))
        return rows

    def _classify(
        self,
        clips: Tensor,
        spans: Tensor,
        scores: Tensor,
        text: Tensor,
        sample: GroundingDataSample,
    ) -> Proposals:
        """Name proposals whose ``spans`` (N, 2) are in snippets."""
        place = torch.arange(len(clips), device=clips.device)
        inside = (place >= spans[:, :1]) & (place < spans[:, 1:])
        named = F.normalize(clips[:, : self.name_channels], dim=-1)
        feature = inside.to(clips.dtype) @ named
        cosine = F.normalize(feature, dim=-1) @ F.normalize(text, dim=-1).T
        count = min(self.top_classes, len(text))
        best, label = (self.scale * cosine).softmax(-1).topk(count, dim=-1)
        start, end = sample.window
        seconds = start + spans.to(clips.dtype) / len(clips) * (end - start)
        return Proposals(
            seconds.repeat_interleave(count, dim=0),
            (best * scores[:, None]).flatten(),
            label.flatten(),
        )

    def _check(self, mask: Tensor) -> None:
        if mask.size(1) != self.num_snippets or not mask.all():
            raise ValueError(
                f'BMN was built for videos of {self.num_snippets} snippets and got '
                f'{mask.sum(1).tolist()}: set LoadSnippets.num_snippets'
            )


class _Annotated:
    """What BMN reads of a sample."""

    def __init__(self, boxes: InstanceData) -> None:
        self.gt_instances = boxes


def boundary_proposals(confidence: Tensor, start: Tensor, end: Tensor) -> tuple:
    """Pairs of likely boundaries (BMN, section 3.4), best first.

    A boundary is likely where it is a local maximum, or more than half the video's
    maximum. As mmaction2's, which loops over all pairs of one video.

    Args:
        confidence (Tensor): (D, T): that of the segment of D + 1 snippets from t.
        start (Tensor): (T,) probabilities.
        end (Tensor): (T,).

    Returns:
        tuple: spans (N, 2) int64, first snippet and the one behind the last, and scores
        (N,).
    """
    first, last = _likely(start), _likely(end)
    first[0], last[-1] = True, True
    starts, ends = first.nonzero()[:, 0], last.nonzero()[:, 0]
    pairs = torch.cartesian_prod(starts, ends)
    pairs = pairs[pairs[:, 1] > pairs[:, 0]]
    a, b = pairs.T
    score = start[a] * end[b] * confidence[b - a - 1, a]
    order = score.argsort(descending=True, stable=True)
    return pairs[order], score[order]


def _likely(probability: Tensor) -> Tensor:
    """(T,) bool."""
    peak = torch.zeros_like(probability, dtype=torch.bool)
    middle = probability[1:-1]
    peak[1:-1] = (middle > probability[:-2]) & (middle > probability[2:])
    return peak | (probability > 0.5 * probability.max())
