"""Losses that teach which moment a query speaks of (ActPrompt, Wang et al.)."""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvtg.registry import MODELS


class _CosineLoss(nn.Module):
    """What both losses of cosines are made with; see them for the arguments."""

    def __init__(self, temperature: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        if temperature <= 0:
            name = type(self).__name__
            raise ValueError(f'{name}: temperature is {temperature}, want > 0')
        self.temperature = temperature
        self.loss_weight = loss_weight


@MODELS.register_module()
class MomentRankingLoss(_CosineLoss):
    """The query's own moment against other moments (eq. 3, one branch).

    Args:
        temperature (float): Divides the cosines. The paper names none, which is 1.
        loss_weight (float): Factor of the result, alpha_1.

    Raises:
        ValueError: A temperature that is not positive.
    """

    def forward(self, cosines: Tensor, valid: Tensor) -> Tensor:
        """Mean loss of the queries; one without a negative costs nothing.

        Args:
            cosines (Tensor): (B, M) of each query with its own moment, first, and with
                M - 1 others.
            valid (Tensor): (B, M) bool, False where a moment is missing.
        """
        logits = (cosines / self.temperature).masked_fill(~valid, float('-inf'))
        return -self.loss_weight * logits.log_softmax(dim=1)[:, 0].mean()


@MODELS.register_module()
class QueryContrastLoss(_CosineLoss):
    """The moment's own query against the other queries of a batch (eq. 4).

    Args:
        temperature (float): Divides the cosines. The paper names none, which is 1.
        loss_weight (float): Factor of the result.

    Raises:
        ValueError: A temperature that is not positive.
    """

    def forward(self, cosines: Tensor, target: Tensor) -> Tensor:
        """Mean loss of the moments.

        Args:
            cosines (Tensor): (B, Q) of moments with the distinct queries of the batch.
            target (Tensor): (B,) int64, which query is a moment's own.
        """
        return self.loss_weight * F.cross_entropy(cosines / self.temperature, target)


@MODELS.register_module()
class AttentionConsistencyLoss(nn.Module):
    """Both prompts look at the same patches (eq. 1).

    Mean square over patches, summed over layers, mean over frames, then over runs. The
    gradient goes into both.

    Args:
        renormalise (bool): Let the attention to patches sum to one. Otherwise it is a
            part of the softmax over all tokens, which is what the paper's weight of 200
            fits.
        loss_weight (float): Factor of the result, alpha_2.
    """

    def __init__(self, renormalise: bool = False, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.renormalise = renormalise
        self.loss_weight = loss_weight

    def forward(
        self, a: Tensor, b: Tensor, runs: Tensor, num_runs: Optional[int] = None
    ) -> Tensor:
        """Loss of two branches.

        Args:
            a (Tensor): (F, layers, P) attention of one prompt, float32.
            b (Tensor): (F, layers, P) of the other.
            runs (Tensor): (F,) int64, the run of each frame, from 0.
            num_runs (int, optional): How many; each has a frame. Default: the last one
                of ``runs`` says it.
        """
        if self.renormalise:
            a, b = (x / x.sum(dim=-1, keepdim=True) for x in (a, b))
        frames = (a - b).square().mean(dim=-1).sum(dim=-1)
        count = int(runs[-1]) + 1 if num_runs is None else num_runs
        zeros = frames.new_zeros(count)
        lengths = zeros.index_add(0, runs, torch.ones_like(frames))
        each = zeros.index_add(0, runs, frames) / lengths
        return self.loss_weight * each.mean()
