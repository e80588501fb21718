"""Is there something at this point? Binary losses on logits."""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvtg.registry import MODELS


def masked_mean(values: Tensor, mask: Optional[Tensor] = None) -> Tensor:
    """Mean over the valid entries; 0 if there are none.

    Args:
        values (Tensor): Any shape.
        mask (Tensor, optional): Bool, same shape, True for entries that count.
    """
    if mask is None:
        return values.mean()
    return values.masked_fill(~mask, 0).sum() / mask.sum().clamp(min=1)


def focal_loss(
    logits: Tensor, target: Tensor, gamma: float = 2.0, alpha: Optional[float] = None
) -> Tensor:
    """Focal loss of each entry: (1 - p_t)^gamma times the cross entropy.

    Args:
        logits (Tensor): Any shape.
        target (Tensor): Same shape, 0 or 1.
        gamma (float): How much easy entries lose weight.
        alpha (float, optional): Weight of positives, 1 - alpha of negatives; None: both
            weigh 1.

    Returns:
        Tensor: Same shape.
    """
    probability = logits.sigmoid()
    missed = probability + target - 2 * probability * target
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
    loss = missed**gamma * entropy
    if alpha is not None:
        loss = loss * (alpha * target + (1 - alpha) * (1 - target))
    return loss


@MODELS.register_module()
class FocalLoss(nn.Module):
    """Mean of :func:`focal_loss` over valid points (R2-Tuning eq. 12).

    Args:
        gamma (float): Focusing exponent.
        alpha (float, optional): Weight of positives; None: no such weighting, as the
            authors of R2-Tuning train.
        loss_weight (float): Factor of the result.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: Optional[float] = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.alpha = alpha
        self.loss_weight = loss_weight

    def forward(
        self, logits: Tensor, target: Tensor, mask: Optional[Tensor] = None
    ) -> Tensor:
        """Loss of logits (...), targets (...) in {0, 1} and mask (...) bool."""
        loss = focal_loss(logits, target, self.gamma, self.alpha)
        return self.loss_weight * masked_mean(loss, mask)


@MODELS.register_module()
class BCELoss(nn.Module):
    """Mean cross entropy over valid clips; targets may be any number in [0, 1].

    Args:
        background_weight (float): Weight of clips whose target is 0.
        loss_weight (float): Factor of the result.
    """

    def __init__(
        self, background_weight: float = 1.0, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.background_weight = background_weight
        self.loss_weight = loss_weight

    def forward(
        self, logits: Tensor, target: Tensor, mask: Optional[Tensor] = None
    ) -> Tensor:
        """Loss of logits (B, S), targets (B, S) in [0, 1] and mask (B, S) bool."""
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
        if self.background_weight != 1:
            loss = torch.where(target > 0, loss, self.background_weight * loss)
        return self.loss_weight * masked_mean(loss, mask)


@MODELS.register_module()
class ForegroundCELoss(nn.Module):
    """Cross entropy of foreground against background, the latter with less weight.

    The mean is over the entries, not over the weights.

    Args:
        background_weight (float): Weight of background entries.
        loss_weight (float): Factor of the result.
    """

    def __init__(
        self, background_weight: float = 0.1, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.background_weight = background_weight
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of logits (..., 2), foreground first, and one-hot targets (..., 2)."""
        weight = target.new_tensor([1.0, self.background_weight])
        loss = -(weight * target * logits.log_softmax(-1)).sum(-1)
        return self.loss_weight * loss.mean()
