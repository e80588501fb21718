"""Losses on one score a clip: which clips does the query want most?"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvtg.registry import MODELS


@MODELS.register_module()
class SaliencyHingeLoss(nn.Module):
    """A positive clip is to score higher than a negative one (Moment-DETR eq. 5).

    Args:
        margin (float): By so much.
        loss_weight (float): Factor of the result.
    """

    def __init__(self, margin: float = 0.2, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.margin = margin
        self.loss_weight = loss_weight

    def forward(self, scores: Tensor, pairs: Tensor) -> Tensor:
        """Loss of scores (B, T) and pairs (B, P, 2) of clips, positive first.

        Twice the mean over pairs, as the authors' code has it.
        """
        chosen = scores.gather(1, pairs.flatten(1)).unflatten(1, (-1, 2))
        lack = self.margin + chosen[..., 1] - chosen[..., 0]
        return self.loss_weight * 2 * lack.clamp(min=0).mean()


@MODELS.register_module()
class RankContrastLoss(nn.Module):
    """Clips of a level or above against all clips, level by level (QD-DETR eq. 7, 8).

    Level r of R has as positives the clips whose target is r / R or more, r = 1 to
    R - 1. A sample without positives at a level adds nothing to it.

    Args:
        num_levels (int): R: 12 for the sum of three annotators' 0 to 4; 2 for targets
            that are 0 or 1.
        temperature (float): Divides the scores.
        loss_weight (float): Factor of the result.
    """

    def __init__(
        self,
        num_levels: int = 12,
        temperature: float = 0.5,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.num_levels = num_levels
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(self, scores: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Loss of scores (B, M), targets (B, M) in [0, 1] and mask (B, M) bool."""
        levels = torch.arange(1, self.num_levels, device=scores.device)
        # a thousandth of a level: targets are sums of fractions
        positive = target * self.num_levels + 1e-3 >= levels[:, None, None]
        positive = positive.to(scores.dtype)  # (R - 1, B, M)
        scores = (scores / self.temperature).masked_fill(~mask, float('-inf'))
        logits = scores.log_softmax(1).masked_fill(~mask, 0)
        gain = (positive * logits).sum(-1) / (positive.sum(-1) + 1e-6)
        return self.loss_weight * -gain.mean(1).sum() / self.num_levels


@MODELS.register_module()
class NegativePairLoss(nn.Module):
    """No clip is salient for a query of another video (QD-DETR eq. 6).

    Args:
        loss_weight (float): Factor of the result.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Loss of scores (B, T) and mask (B, T) bool: sum over clips, mean over B."""
        loss = F.softplus(scores).masked_fill(~mask, 0)
        return self.loss_weight * loss.sum(1).mean()
