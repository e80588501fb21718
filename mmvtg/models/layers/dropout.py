"""Dropout that draws its masks quickly on a CPU."""

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """torch's dropout; on a CPU the mask costs a third.

    Random words are cut in four and compared with the chance in steps of 1 / 65536,
    where torch draws each entry from Bernoulli's distribution.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Zero entries at the chance ``p`` and scale the others, while training."""
        threshold = round(self.p * 65536)
        if not self.training or x.device.type != 'cpu' or threshold in (0, 65536):
            return super().forward(x)
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64)
        noise = words.random_(-(2**63), None).view(torch.int16)[: x.numel()]
        kept = (noise >= threshold - 32768).view(x.shape)
        return x * kept.to(x.dtype).mul_(65536 / (65536 - threshold))
