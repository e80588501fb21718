"""Learned prompts in an image tower, the same for every frame (VPT)."""

import torch
from torch import Tensor, nn

from mmvtg.registry import MODELS

from .base import TowerContext
from .prompt_hook import PromptHook


@MODELS.register_module()
class VisualPrompt(PromptHook):
    """Visual prompt tuning (Jia et al., ECCV 2022), what ActPrompt calls vanilla.

    Args:
        width (int): C, channels of the tower's tokens.
        num_layers (int): Layers of the tower.
        num_prompts (int): Prompts of a frame.
        deep (bool): Other prompts before each layer, in the place of those that came
            out of the one before (VPT-deep); else they enter at the first and are
            carried on (VPT-shallow).
        keep_attention (bool): See :class:`PromptHook`.
        init_std (float): Standard deviation of the prompts at the start.

    Raises:
        ValueError: No prompt.
    """

    def __init__(
        self,
        width: int,
        num_layers: int,
        num_prompts: int = 1,
        deep: bool = False,
        keep_attention: bool = True,
        init_std: float = 0.02,
    ) -> None:
        super().__init__(keep_attention)
        if num_prompts < 1:
            raise ValueError(f'VisualPrompt: num_prompts is {num_prompts}, want >= 1')
        self.num_prompts = num_prompts
        shape = (num_layers if deep else 1, num_prompts, width)
        self.prompts = nn.Parameter(torch.randn(shape) * init_std)

    def before_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        return self.insert(tokens, self._of_layer(0, tokens), context)

    def before_layer(self, index: int, tokens: Tensor, context: TowerContext) -> Tensor:
        if index == 0 or len(self.prompts) == 1:
            return tokens
        return self.replace(tokens, self._of_layer(index, tokens))

    def _of_layer(self, index: int, tokens: Tensor) -> Tensor:
        return self.prompts[index].expand(len(tokens), -1, -1)
