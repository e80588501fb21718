"""Non-maximum suppression of moments, hard and soft, batched over queries."""

from typing import Any, Optional, Tuple

import torch
from torch import Tensor

from mmvtg.structures import span_iou

_KINDS = ('hard', 'linear', 'gaussian')


def batched_moment_nms(
    spans: Tensor,
    scores: Tensor,
    mask: Optional[Tensor] = None,
    kind: str = 'hard',
    iou_threshold: Optional[float] = None,
    sigma: float = 0.5,
    gaussian_from: Tuple[float, float] = (0.0, 0.0),
    max_picks: Optional[int] = None,
    official_ties: bool = False,
) -> Tensor:
    """Lower the scores of moments that repeat a better one.

    Ranks are visited one by one: the best row not yet picked is picked, and all rows
    still to come are rescored by their IoU with it. Among equal scores the first row
    is picked. Nothing is removed or reordered, so callers sort afterwards.

    - ``hard``: rows with IoU >= ``iou_threshold`` get score 0.
    - ``linear``: rows with IoU >= ``iou_threshold`` are multiplied by ``1 - IoU``.
    - ``gaussian``: rows with IoU >= low + slope x length of the picked row are
      multiplied by ``exp(-IoU ** 2 / sigma)``; (low, slope) is ``gaussian_from``. With
      spans in parts of the video this is the NMS of BSN and BMN, whose "low, high" are
      (low, high - low).

    Args:
        spans (Tensor): (B, N, 2) as (start, end), any unit.
        scores (Tensor): (B, N), not negative.
        mask (Tensor, optional): (B, N) bool, True for real rows. Other rows are never
            picked and keep their scores.
        kind (str): 'hard', 'linear' or 'gaussian'.
        iou_threshold (float, optional): Of 'hard', 0.7 by default, and 'linear', 0 by
            default: all rows.
        sigma (float): Width of the decay of 'gaussian'.
        gaussian_from (tuple): Of 'gaussian', see above; by default all rows.
        max_picks (int, optional): Stop after so many rows of each query. These are the
            best ones already; those behind them are not all rescored.
        official_ties (bool): Parity with MMN's code, where rows at the threshold stay.
            Moments of a grid often have an IoU of 0.5, and which side of it rounding
            puts them on is part of the authors' results.

    Returns:
        Tensor: (B, N) new scores in the order of the input.

    Raises:
        ValueError: If ``kind`` is unknown.
    """
    if kind not in _KINDS:
        raise ValueError(f"NMS kind '{kind}' is unknown; choose one of {_KINDS}")
    threshold = iou_threshold
    if threshold is None:
        threshold = 0.7 if kind == 'hard' else 0.0
    scores = scores.clone()
    waiting = (
        torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.clone()
    )
    # Rows are visited until the fullest query has none left. The others then pick a
    # padded row, whose effect is masked out by `waiting` being all False.
    for _ in range(min(scores.size(1), max_picks or scores.size(1))):
        best = scores.masked_fill(~waiting, -torch.inf).argmax(dim=1, keepdim=True)
        waiting.scatter_(1, best, False)
        picked = spans.gather(1, best.unsqueeze(-1).expand(-1, -1, 2))
        iou = (_hull_iou if official_ties else span_iou)(picked, spans).squeeze(1)
        reached = iou > threshold if official_ties else iou >= threshold
        if kind == 'gaussian':
            low, slope = gaussian_from
            reached = iou >= low + slope * (picked[..., 1] - picked[..., 0])
        scores = torch.where(
            waiting & reached, _rescore(scores, iou, kind, sigma), scores
        )
    return scores


def _hull_iou(a: Tensor, b: Tensor) -> Tensor:
    """:func:`span_iou` over the hull: the same, but for the last bit."""
    a, b = a.unsqueeze(-2), b.unsqueeze(-3)
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    inter = (low[..., 1] - high[..., 0]).clamp(min=0)
    return inter / (high[..., 1] - low[..., 0]).clamp(min=1e-12)


def _rescore(scores: Tensor, iou: Tensor, kind: str, sigma: float) -> Tensor:
    """New scores (B, N) of rows of that IoU (B, N) with the picked one."""
    if kind == 'hard':
        return torch.zeros_like(scores)
    if kind == 'linear':
        return scores * (1 - iou)
    return scores * torch.exp(-iou.square() / sigma)


def moment_nms(
    spans: Tensor,
    scores: Tensor,
    labels: Optional[Tensor] = None,
    min_score: float = 0.0,
    max_num: Optional[int] = None,
    voting_threshold: Optional[float] = None,
    **nms: Any,
) -> Tuple[Tensor, Tensor, Tensor]:
    """Suppress, sort and cut the moments of one video.

    Args:
        spans (Tensor): (N, 2) as (start, end).
        scores (Tensor): (N,), not negative.
        labels (Tensor, optional): (N,) int; only rows of one label suppress each other.
        min_score (float): Rows whose new score is below are left out, as are such of
            score 0; the best row of a label always stays.
        max_num (int, optional): Rows to keep.
        voting_threshold (float, optional): Each kept span becomes the mean of all given
            spans (of its label) with at least this IoU, weighted by score x IoU
            (ActionFormer).
        **nms: ``kind``, ``iou_threshold``, ``sigma``, ``gaussian_from`` of
            :func:`batched_moment_nms`.

    Returns:
        tuple: spans (M, 2), scores (M,) and indices (M,) into the input, best first;
        equal scores in the order of the input.
    """
    if labels is None:
        labels = torch.zeros_like(scores, dtype=torch.long)
    if not len(scores):
        return spans, scores, labels.long()
    _, group = labels.unique(return_inverse=True)
    order = group.argsort(stable=True)
    lengths = torch.bincount(group)
    column = torch.arange(int(lengths.max()), device=scores.device)
    mask = column < lengths[:, None]
    padded_spans = spans.new_zeros(*mask.shape, 2)
    padded_scores = scores.new_zeros(mask.shape)
    padded_spans[mask], padded_scores[mask] = spans[order], scores[order]

    new = batched_moment_nms(padded_spans, padded_scores, mask, **nms)
    keep = mask & (new >= min_score) & (new > 0)
    keep |= column == new.argmax(1, keepdim=True)
    new_scores, kept = torch.empty_like(scores), torch.empty_like(group, dtype=bool)
    new_scores[order], kept[order] = new[mask], keep[mask]

    ranked = new_scores.masked_fill(~kept, -torch.inf)
    ranked = ranked.argsort(descending=True, stable=True)[: int(kept.sum())][:max_num]
    picked = spans[ranked]
    if voting_threshold is not None:
        same = labels[ranked, None] == labels
        picked = _vote(picked, spans, scores * same, voting_threshold)
    return picked, new_scores[ranked], ranked


def _vote(picked: Tensor, spans: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Means (M, 2) of the spans (N, 2) that overlap the picked ones; scores (M, N)."""
    iou = span_iou(picked, spans)
    weight = (scores * iou).masked_fill(iou < threshold, 0.0)
    total = weight.sum(1, keepdim=True)
    # a span without length overlaps nothing, not even itself
    return torch.where(total > 0, weight @ spans / total.clamp(min=1e-12), picked)
