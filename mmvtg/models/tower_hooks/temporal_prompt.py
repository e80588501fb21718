"""Temporal prompts: what the prompt looks at in a frame and its neighbours."""

from typing import Any, Dict, Optional

import torch
from torch import Tensor, nn

from mmvtg.models.layers import FeedForward
from mmvtg.registry import MODELS

from .base import TowerContext, TowerHook


@MODELS.register_module()
class TemporalPrompt(TowerHook):
    """Context-aware temporal prompts (ActPrompt, Wang et al., eq. 2).

    After each layer but the last, the patch on which the prompt's attention is highest
    is taken from each frame. A frame gets the patches of itself and its T neighbours on
    either side, K = 2T + 1, with a learned position of that layer, through an MLP with
    a shortcut. They stand behind the patches in the next layer, and end with it.

    Neighbours are frames of the same run; beyond its ends the first and the last frame
    are repeated. Frames of a run therefore depend on each other, T more on either side
    with each layer. The choice has no gradient, the chosen patch has. In half precision
    the patches differ by rounding, so near-ties may fall otherwise on other devices.

    Stands behind a prompt, whose attention it reads (:class:`ActionPrompt`,
    :class:`VisualPrompt`).

    Args:
        width (int): W, channels of the tower's tokens.
        num_layers (int): N, layers of the tower.
        neighbours (int): T, frames on either side.
        hidden_channels (int, optional): Of the MLP, one for all layers; default: 4 W.

    Raises:
        ValueError: Less than no neighbours; or, in a pass, no prompt before it.
    """

    couples_frames = True

    def __init__(
        self,
        width: int,
        num_layers: int,
        neighbours: int = 1,
        hidden_channels: Optional[int] = None,
    ) -> None:
        super().__init__()
        if neighbours < 0:
            raise ValueError(f'TemporalPrompt: neighbours is {neighbours}, want >= 0')
        self.neighbours = neighbours
        shape = (max(num_layers - 1, 0), 2 * neighbours + 1, width)
        self.positions = nn.Parameter(torch.randn(shape) * 0.02)
        self.mlp = FeedForward(width, hidden_channels or 4 * width, 'gelu')
        self.mlp.linear_in.reset_parameters()
        self.mlp.linear_out.reset_parameters()

    @property
    def reach(self) -> int:
        return self.neighbours

    def describe(self) -> Dict[str, Any]:
        return dict(type='TemporalPrompt', neighbours=self.neighbours)

    def before_layer(self, index: int, tokens: Tensor, context: TowerContext) -> Tensor:
        prompts = context.scratch.pop('temporal', None)
        if prompts is None:
            return tokens
        return torch.cat([tokens, prompts.to(tokens.dtype)], dim=1)

    def after_layer(
        self,
        index: int,
        tokens: Tensor,
        rows: Optional[Tensor],
        context: TowerContext,
    ) -> Tensor:
        attention = context.scratch.get('prompt_attention')
        if attention is None:
            raise ValueError(
                'TemporalPrompt chooses patches by the attention of a prompt: put '
                'ActionPrompt or VisualPrompt before it, with keep_attention'
            )
        patches = context.scratch['patches']
        tokens = tokens[:, : patches.stop]
        if index + 1 < context.num_layers:
            # of equal patches the first one, as argmax promises
            best = attention.argmax(dim=1)
            frame = torch.arange(len(tokens), device=tokens.device)
            chosen = tokens[frame, patches.start + best]
            context.scratch['temporal'] = self._prompts(index, chosen, context)
            context.scratch.setdefault('chosen', []).append(best)
        return tokens

    def after_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        chosen = context.scratch.get('chosen')
        if chosen:
            context.outputs['chosen_patches'] = torch.stack(chosen, dim=1)
        return tokens

    def _prompts(self, index: int, chosen: Tensor, context: TowerContext) -> Tensor:
        """Patches (N, W) to the prompts of the next layer, (N, K, W)."""
        window = context.scratch.get('window')
        if window is None:
            window = neighbour_frames(context.runs, self.neighbours)
            context.scratch['window'] = window
        sequence = chosen[window] + self.positions[index]
        return self.mlp(sequence) + sequence


def neighbour_frames(runs: Tensor, reach: int) -> Tensor:
    """Which frames stand around each frame of its run, ends repeated.

    Args:
        runs (Tensor): (N,) int64, the run of each frame; frames of a run are neighbours
            and in order of time.
        reach (int): T, frames on either side.

    Returns:
        Tensor: (N, 2T + 1) int64, indices of frames.
    """
    counts = torch.unique_consecutive(runs, return_counts=True)[1]
    last = counts.cumsum(0) - 1
    first = last - counts + 1
    first, last = (x.repeat_interleave(counts)[:, None] for x in (first, last))
    steps = torch.arange(-reach, reach + 1, device=runs.device)
    frames = torch.arange(len(runs), device=runs.device)[:, None] + steps
    return frames.maximum(first).minimum(last)
