"""Non-maximum suppression of moments, hard and soft, batched over queries."""

from typing import Optional

import torch
from torch import Tensor

from mmvtg.structures import span_iou

_KINDS = ('hard', 'linear', 'gaussian')


def batched_moment_nms(
    spans: Tensor,
    scores: Tensor,
    mask: Optional[Tensor] = None,
    kind: str = 'hard',
    iou_threshold: float = 0.7,
    sigma: float = 0.5,
) -> Tensor:
    """Lower the scores of moments that repeat a better one.

    Ranks are visited one by one: the best row not yet picked is picked, and all rows
    still to come are rescored by their IoU with it. Among equal scores the first row
    is picked. Nothing is removed or reordered, so callers sort afterwards.

    - ``hard``: rows with IoU >= ``iou_threshold`` get score 0.
    - ``linear``: every row is multiplied by ``1 - IoU``, no threshold.
    - ``gaussian``: every row is multiplied by ``exp(-IoU ** 2 / sigma)``.

    Args:
        spans (Tensor): (B, N, 2) as (start, end), any unit.
        scores (Tensor): (B, N), not negative.
        mask (Tensor, optional): (B, N) bool, True for real rows. Other rows are never
            picked and keep their scores.
        kind (str): 'hard', 'linear' or 'gaussian'.
        iou_threshold (float): Used by 'hard'.
        sigma (float): Width of the decay of 'gaussian'.

    Returns:
        Tensor: (B, N) new scores in the order of the input.

    Raises:
        ValueError: If ``kind`` is unknown.
    """
    if kind not in _KINDS:
        raise ValueError(f"NMS kind '{kind}' is unknown; choose one of {_KINDS}")
    scores = scores.clone()
    waiting = (
        torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.clone()
    )
    # Rows are visited until the fullest query has none left. The others then pick a
    # padded row, whose effect is masked out by `waiting` being all False.
    for _ in range(scores.size(1)):
        best = scores.masked_fill(~waiting, -torch.inf).argmax(dim=1, keepdim=True)
        waiting.scatter_(1, best, False)
        picked = spans.gather(1, best.unsqueeze(-1).expand(-1, -1, 2))
        iou = span_iou(picked, spans).squeeze(1)
        rescored = _rescore(scores, iou, kind, iou_threshold, sigma)
        scores = torch.where(waiting, rescored, scores)
    return scores


def _rescore(
    scores: Tensor, iou: Tensor, kind: str, iou_threshold: float, sigma: float
) -> Tensor:
    """New scores (B, N) of all rows, given their IoU (B, N) with the picked one."""
    if kind == 'hard':
        return scores.masked_fill(iou >= iou_threshold, 0.0)
    if kind == 'linear':
        return scores * (1 - iou)
    return scores * torch.exp(-iou.square() / sigma)
