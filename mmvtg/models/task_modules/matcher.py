"""Which query answers for which moment."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from mmvtg.registry import TASK_UTILS
from mmvtg.structures import center_to_span, span_giou


@TASK_UTILS.register_module()
class HungarianMatcher:
    """One-to-one assignment of least cost (Moment-DETR eq. 2 to 3).

    The cost of a pair is the L1 distance of (center, width), minus the generalised IoU,
    minus the probability of the foreground, each with its weight.

    Args:
        span_weight (float): Of the L1 distance.
        giou_weight (float): Of the generalised IoU.
        class_weight (float): Of the probability.
    """

    def __init__(
        self,
        span_weight: float = 10.0,
        giou_weight: float = 1.0,
        class_weight: float = 4.0,
    ) -> None:
        self.span_weight = span_weight
        self.giou_weight = giou_weight
        self.class_weight = class_weight

    def cost(self, logits: Tensor, spans: Tensor, targets: Tensor) -> Tensor:
        """Cost (..., Q, M) of queries (..., Q, 2) and targets (..., M, 2)."""
        probability = logits.softmax(-1)[..., :1]
        mine, theirs = spans.unsqueeze(-2), targets.unsqueeze(-3)
        distance = (mine - theirs).abs().sum(-1)
        giou = span_giou(center_to_span(mine), center_to_span(theirs))
        return (
            self.span_weight * distance
            - self.giou_weight * giou
            - self.class_weight * probability
        )

    @torch.no_grad()
    def __call__(
        self, logits: Tensor, spans: Tensor, targets: Tensor, counts: Tensor
    ) -> Tensor:
        """Match.

        Args:
            logits (Tensor): (N, B, Q, 2) of N decoder layers, foreground first.
            spans (Tensor): (N, B, Q, 2), (center, width) in fractions of the video.
            targets (Tensor): (B, M, 2), likewise; rows from ``counts`` on are padding.
            counts (Tensor): (B,) moments of each sample.

        Returns:
            Tensor: (N, B, Q) int64, the row of a query's target, -1 for none.
        """
        found = np.full(logits.shape[:-1], -1)
        costs = self.cost(logits, spans, targets).cpu().numpy()
        for layer, rows in enumerate(costs):
            for sample, count in enumerate(counts.tolist()):
                query, target = linear_sum_assignment(rows[sample, :, :count])
                found[layer, sample, query] = target
        return torch.from_numpy(found).to(logits.device)
