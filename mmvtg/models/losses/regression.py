"""How far is a predicted span from the true one?"""

import torch.nn.functional as F
from torch import Tensor, nn

from mmvtg.registry import MODELS
from mmvtg.structures import span_giou


@MODELS.register_module()
class SpanL1Loss(nn.Module):
    """Mean absolute error of both numbers over positive spans (R2-Tuning eq. 13).

    Args:
        beta (float): Errors below it count as ``error ** 2 / (2 beta)``, those above
            ``beta / 2`` less (smooth L1).
        loss_weight (float): Factor of the result.
    """

    def __init__(self, beta: float = 0.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.beta = beta
        self.loss_weight = loss_weight

    def forward(self, spans: Tensor, target: Tensor, positive: Tensor) -> Tensor:
        """Loss of spans (..., 2), targets (..., 2), positives (...) bool.

        Without any positive the loss is 0, with a gradient of 0.
        """
        error = F.smooth_l1_loss(spans, target, reduction='none', beta=self.beta)
        error = error.masked_fill(~positive.unsqueeze(-1), 0)
        return self.loss_weight * error.sum() / (2 * positive.sum().clamp(min=1))


@MODELS.register_module()
class SpanGIoULoss(nn.Module):
    """Mean of 1 - generalised IoU over positive spans.

    Args:
        loss_weight (float): Factor of the result.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, spans: Tensor, target: Tensor, positive: Tensor) -> Tensor:
        """Loss of spans (..., 2), targets (..., 2) as (start, end), positives (...).

        Without any positive the loss is 0, with a gradient of 0.
        """
        loss = (1 - span_giou(spans, target)).masked_fill(~positive, 0)
        return self.loss_weight * loss.sum() / positive.sum().clamp(min=1)
