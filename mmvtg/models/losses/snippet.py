"""Losses of clips that are compared with classes (STALE)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvtg.registry import MODELS

from .classification import masked_mean


@MODELS.register_module()
class SnippetCELoss(nn.Module):
    """Mean cross entropy over real clips (STALE eq. 9).

    Args:
        loss_weight (float): Factor of the result.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Loss of logits (B, T, K + 1), classes (B, T) int64 and mask (B, T) bool."""
        loss = F.cross_entropy(logits.transpose(1, 2), target, reduction='none')
        return self.loss_weight * masked_mean(loss, mask)


@MODELS.register_module()
class BranchConsistencyLoss(nn.Module):
    """Classes and masks should find the same foreground (STALE eq. 12).

    Read literally, the equation compares vectors of scalars; its text and figure speak
    of features. Here the clips that score best in each branch are averaged, weighted
    by their scores, and the angle between both averages counts.

    Args:
        top_k (int): Clips of each branch.
        class_threshold (float): theta_c, least class score of such a clip.
        mask_threshold (float): theta_m, least mask value of such a clip.
        loss_weight (float): Factor of the result.
    """

    def __init__(
        self,
        top_k: int = 10,
        class_threshold: float = 0.01,
        mask_threshold: float = 0.5,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.top_k = top_k
        self.class_threshold = class_threshold
        self.mask_threshold = mask_threshold
        self.loss_weight = loss_weight

    def forward(
        self, logits: Tensor, mask_logits: Tensor, clips: Tensor, mask: Tensor
    ) -> Tensor:
        """Compare branches.

        Args:
            logits (Tensor): (B, T, K + 1), background last.
            mask_logits (Tensor): (B, T, T), [b, i, t].
            clips (Tensor): (B, T, C).
            mask (Tensor): (B, T) bool.

        Returns:
            Tensor: Mean over videos of 1 - cosine.
        """
        by_class = logits.softmax(-1)[..., :-1].amax(-1)
        rows = mask_logits.masked_fill(~mask.unsqueeze(-1), -torch.inf)
        by_mask = rows.amax(1).sigmoid()
        classes = self._mean(by_class, clips, mask, self.class_threshold)
        masks = self._mean(by_mask, clips, mask, self.mask_threshold)
        cosine = F.cosine_similarity(classes, masks, dim=-1)
        return self.loss_weight * (1 - cosine).mean()

    def _mean(
        self, score: Tensor, clips: Tensor, mask: Tensor, threshold: float
    ) -> Tensor:
        """Mean (B, C) of the best clips by ``score`` (B, T)."""
        score = score.masked_fill(~mask, 0)
        best, index = score.topk(min(self.top_k, score.size(1)), dim=1)
        keep = best > threshold
        keep[:, 0] = True
        weight = best * keep
        chosen = clips.gather(1, index.unsqueeze(-1).expand(-1, -1, clips.size(-1)))
        total = weight.sum(1, keepdim=True).clamp(min=1e-12)
        return (weight.unsqueeze(-1) * chosen).sum(1) / total
