"""From class scores and masks of clips to scored segments (STALE, "inference")."""

from typing import Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from mmvtg.registry import TASK_UTILS

from .nms import moment_nms

Candidates = Tuple[Tensor, Tensor, Tensor]


def longest_runs(on: Tensor) -> Tuple[Tensor, Tensor]:
    """Longest stretch of True along the last axis; the first one of equal length.

    Args:
        on (Tensor): (..., T) bool.

    Returns:
        tuple[Tensor, Tensor]: first place (...,) and length (...,); length 0 if there
        is none.
    """
    place = torch.arange(1, on.size(-1) + 1, device=on.device)
    last_off = torch.where(on, 0, place).cummax(-1).values
    length, end = (place - last_off).max(-1)
    return end + 1 - length, length


@TASK_UTILS.register_module()
class MaskCandidates:
    """Segments of one video.

    Clips whose best class scores more than ``class_threshold`` are ranked, the first
    ``top_clips`` of them propose: their masks are cut at each of ``mask_thresholds``,
    and the longest stretch above is a segment, with the clip's class, and as score the
    class score times the highest mask value in it. The highest value is the same at
    every threshold, and segments of a clip that differ in length tie; their mean tells
    them apart. Equal segments of a class are one.
    Soft-NMS follows, class by class.

    Args:
        class_threshold (float): theta_c.
        top_clips (int): Clips that propose: 10 on ActivityNet, 50 on THUMOS14.
        mask_thresholds (Sequence[float]): Theta. 0 gives the whole video.
        min_share (float): Segments of at most this share of the video are left out.
        nms (dict, optional): Of :func:`moment_nms`; None: no suppression.
        mask_score (str): Of a segment's mask values, ``'max'`` as in the paper, or
            ``'mean'``.

    Raises:
        ValueError: If ``mask_score`` is unknown.
    """

    def __init__(
        self,
        class_threshold: float = 0.01,
        top_clips: int = 10,
        mask_thresholds: Sequence[float] = (0.0, 0.2, 0.4, 0.6, 0.8),
        min_share: float = 0.02,
        nms: Optional[dict] = None,
        mask_score: str = 'max',
    ) -> None:
        if mask_score not in ('max', 'mean'):
            raise ValueError(f"mask_score is {mask_score!r}, want 'max' or 'mean'")
        self.class_threshold = class_threshold
        self.top_clips = top_clips
        self.mask_thresholds = tuple(mask_thresholds)
        self.min_share = min_share
        self.nms = nms
        self.mask_score = mask_score

    def __call__(self, scores: Tensor, masks: Tensor) -> Candidates:
        """Segments, best first.

        Args:
            scores (Tensor): (T, K) class probabilities, background left out.
            masks (Tensor): (T, T) in [0, 1], [i, t], mask of clip t.

        Returns:
            tuple: spans (N, 2) as shares of the video, scores (N,), labels (N,) int64.
        """
        return self.suppress(*self.propose(scores, masks))

    def suppress(
        self, spans: Tensor, scores: Tensor, labels: Tensor, times: int = 1
    ) -> Candidates:
        """Suppression alone, of candidates that may come from several windows.

        Spans (N, 2), scores and labels (N,), before and after. ``times`` as many as
        the ``max_num`` of ``nms`` are kept.
        """
        if self.nms is None or not len(scores):
            return spans, scores, labels
        nms = dict(self.nms)
        if nms.get('max_num') is not None:
            nms['max_num'] *= times
        spans, scores, kept = moment_nms(spans, scores, labels, **nms)
        return spans, scores, labels[kept]

    def propose(self, scores: Tensor, masks: Tensor) -> Candidates:
        """As :meth:`__call__`, before suppression."""
        size = len(scores)
        best, label = scores.max(-1)
        order = best.argsort(descending=True, stable=True)
        order = order[best[order] > self.class_threshold][: self.top_clips]
        curves = masks.T[order].unsqueeze(1)
        levels = torch.tensor(self.mask_thresholds, device=masks.device)
        first, length = longest_runs(curves > levels[:, None])  # (clips, levels)
        place = torch.arange(size, device=masks.device)
        inside = (place >= first[..., None]) & (place < (first + length)[..., None])
        values = curves.masked_fill(~inside, 0)
        if self.mask_score == 'max':
            height = values.amax(-1)
        else:
            height = values.sum(-1) / length.clamp(min=1)
        keep = length / size > self.min_share
        spans = torch.stack([first, first + length], dim=-1)[keep]
        score = (best[order, None] * height)[keep]
        return _distinct(spans, score, label[order, None].expand_as(keep)[keep], size)


def _distinct(spans: Tensor, scores: Tensor, labels: Tensor, size: int) -> Candidates:
    """Best of equal ones, by falling score, then by start and end."""
    start, end = spans.T.cpu().numpy()
    negative, label = -scores.cpu().numpy(), labels.cpu().numpy()
    order = np.lexsort((end, start, negative))  # the last key rules
    keys = np.stack([start, end, label], axis=1)[order]
    _, first = np.unique(keys, axis=0, return_index=True)
    order = torch.from_numpy(order[np.sort(first)]).to(spans.device)
    return spans[order] / size, scores[order], labels[order]
