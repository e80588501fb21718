"""Losses on one score a clip: which clips does the query want most?"""

from typing import Optional, Sequence

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

    Positives of a level are the clips whose target reaches it. A sample without
    positives at a level adds nothing to it.

    Args:
        levels (Sequence[float], optional): Default: the eleven twelfths between 0 and
            1, for the sum of three annotators' 0 to 4.
        temperature (float): Divides the scores.
        loss_weight (float): Factor of the result.
    """

    def __init__(
        self,
        levels: Optional[Sequence[float]] = None,
        temperature: float = 0.5,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.levels = tuple(levels or (level / 12 for level in range(1, 12)))
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(self, scores: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Loss of scores (B, M), targets (B, M) in [0, 1] and mask (B, M) bool.

        The sum over R levels is divided by R + 1, as the authors divide theirs.
        """
        levels = scores.new_tensor(self.levels)[:, None, None]
        # a little more, because targets are sums of fractions
        positive = (target + 1e-4 >= levels).to(scores.dtype)  # (R, B, M)
        scores = (scores / self.temperature).masked_fill(~mask, float('-inf'))
        logits = scores.log_softmax(1).masked_fill(~mask, 0)
        gain = (positive * logits).sum(-1) / (positive.sum(-1) + 1e-6)
        return self.loss_weight * -gain.mean(1).sum() / (len(levels) + 1)


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
