"""How far is a predicted span from the true one?"""

from torch import Tensor, nn

from mmvtg.registry import MODELS


@MODELS.register_module()
class SpanL1Loss(nn.Module):
    """Mean absolute error of both ends over positive points (R2-Tuning eq. 13).

    Args:
        loss_weight (float): Factor of the result.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, spans: Tensor, target: Tensor, positive: Tensor) -> Tensor:
        """Loss of spans (..., 2), targets (..., 2), positives (...) bool.

        Without any positive the loss is 0, with a gradient of 0.
        """
        error = (spans - target).abs().masked_fill(~positive.unsqueeze(-1), 0)
        return self.loss_weight * error.sum() / (2 * positive.sum().clamp(min=1))
