"""How far are masks over time from those of the annotated action instances?"""

import torch
from torch import Tensor, nn

from mmvtg.registry import MODELS

from .classification import masked_mean


def dice_loss(
    probability: Tensor, target: Tensor, factor: float = 2.0, smooth: float = 1.0
) -> Tensor:
    """1 - (factor sum(m g) + smooth) / (sum(m^2) + sum(g^2) + smooth), last axis.

    Args:
        probability (Tensor): (..., N) in [0, 1].
        target (Tensor): (..., N) of 0 and 1.
        factor (float): 2 makes a perfect mask cost 0.
        smooth (float): Keeps empty targets finite.

    Returns:
        Tensor: (...).
    """
    product = (probability * target).sum(-1)
    squares = probability.square().sum(-1) + target.square().sum(-1)
    return 1 - (factor * product + smooth) / (squares + smooth)


@MODELS.register_module()
class ActionMaskLoss(nn.Module):
    """Balanced cross entropy and dice of each action clip's mask (STALE eq. 10).

    The printed equation lacks the sign of the cross entropy and the factor 2 of dice,
    without which a perfect mask would cost 0.5; here are both. Masks of background
    clips do not count.

    Args:
        dice_weight (float): lambda_2 of the paper.
        loss_weight (float): Factor of the result.
    """

    def __init__(self, dice_weight: float = 0.4, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.dice_weight = dice_weight
        self.loss_weight = loss_weight

    def forward(
        self, logits: Tensor, target: Tensor, action: Tensor, mask: Tensor
    ) -> Tensor:
        """Compare.

        Args:
            logits (Tensor): (B, T, T), [b, i, t], mask of clip t over clips i.
            target (Tensor): (B, T, T) bool.
            action (Tensor): (B, T) bool, clips t that lie in an instance.
            mask (Tensor): (B, T) bool, real clips.

        Returns:
            Tensor: Mean over action clips; 0 if there are none.
        """
        real = mask.unsqueeze(1)  # over i, with t in front
        probability = logits.sigmoid().transpose(1, 2) * real
        target = (target.transpose(1, 2) & real).to(probability.dtype)
        entropy = _balanced_entropy(probability, target, real)
        loss = entropy + self.dice_weight * dice_loss(probability, target)
        return self.loss_weight * masked_mean(loss, action & mask)


def _balanced_entropy(probability: Tensor, target: Tensor, real: Tensor) -> Tensor:
    """Cross entropy (B, T) of masks (B, T, T), both sides weighing the same."""
    length = real.sum(-1, keepdim=True).to(probability.dtype)
    positive = target.sum(-1, keepdim=True)
    weight_fg = length / positive.clamp(min=1)
    weight_bg = length / (length - positive).clamp(min=1)
    m = probability.clamp(1e-6, 1 - 1e-6)
    entropy = weight_fg * target * m.log() + weight_bg * (1 - target) * (1 - m).log()
    return -(entropy * real).sum(-1) / length.squeeze(-1)


@MODELS.register_module()
class WholeMaskLoss(nn.Module):
    """The mask loss of STALE's released code, background clips included.

    # parity: it weighs both terms unlike the paper, balances the whole batch at once,
    # and its dice lacks the factor 2.

    Args:
        entropy_weight (float): Of the balanced cross entropy.
        dice_weight (float): Of dice.
        loss_weight (float): Factor of the result.
    """

    def __init__(
        self,
        entropy_weight: float = 0.4,
        dice_weight: float = 0.6,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.entropy_weight = entropy_weight
        self.dice_weight = dice_weight
        self.loss_weight = loss_weight

    def forward(
        self, logits: Tensor, target: Tensor, action: Tensor, mask: Tensor
    ) -> Tensor:
        """As :class:`ActionMaskLoss`; ``action`` is not read."""
        real = mask.unsqueeze(1) & mask.unsqueeze(2)
        probability = logits.sigmoid() * real
        target = (target & real).to(probability.dtype)
        dice = dice_loss(probability.flatten(1), target.flatten(1), factor=1).mean()
        entropy = batch_balanced_entropy(probability[real], target[real])
        loss = self.entropy_weight * entropy + self.dice_weight * dice
        return self.loss_weight * loss


def batch_balanced_entropy(probability: Tensor, target: Tensor) -> Tensor:
    """Cross entropy with the weights of BSN's code, shares taken over all entries.

    Args:
        probability (Tensor): (N,) in [0, 1].
        target (Tensor): (N,) of 0 and 1.
    """
    positive = 10 + target.sum()
    total = 10 + positive + (1 - target).sum()
    ratio = total / positive
    entropy = 0.5 * ratio * target * (probability + 1e-6).log()
    rest = 0.5 * ratio / (ratio - 1) * (1 - target)
    entropy = entropy + rest * (1 - probability + 1e-6).log()
    return -torch.sum(entropy) / total
