"""bfloat16 on any device, without the scaling of losses that float16 needs."""

from contextlib import contextmanager
from typing import Any, Iterator

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmvtg.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass of training under autocast to bfloat16.

    Weights, gradients and the optimiser stay float32. bfloat16 has the range of
    float32, so losses are not scaled, nothing of it is in the checkpoint, and a run may
    go on with or without it. mmengine's ``AmpOptimWrapper`` does the same on
    accelerators and refuses a CPU.

    Args:
        **kwargs: Of mmengine's ``OptimWrapper``: ``optimizer``, ``clip_grad``,
            ``accumulative_counts``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[Any]:
        """Around the forward pass of ``model``."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield
