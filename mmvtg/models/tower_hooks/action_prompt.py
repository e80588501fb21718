"""Action cues in an image tower: one prompt made of motion, or of the query's verb."""

from typing import Any, Dict, Optional

import torch
from torch import Tensor, nn

from mmvtg.registry import MODELS

from .base import TowerContext
from .prompt_hook import PromptHook

_INPUTS = dict(video='motion', verb='verb_states')


@MODELS.register_module()
class ActionPrompt(PromptHook):
    """Action cue injection (ActPrompt, Wang et al.): one prompt a frame.

    Two branches, of which a pass takes one, by what is among its inputs:

    * *video*: ``motion`` (N, V), what a video encoder says of the clip around each
      frame. The prompt enters at the first layer and is carried on.
    * *verb*: ``verb_states`` (B, N_text, Wt), the text tower's states at the query's
      verb (:class:`TokenTap`), one row a run. Each layer gets a prompt of its own,
      which takes the place of what came out of the layer before. Layer l (from 1) of N
      reads text layer ceil(l N_text / N).

    Args:
        width (int): W, channels of the tower's tokens.
        motion_dim (int): V, 2304 for SlowFast R50.
        text_width (int): Wt, 512 for ViT-B/32.
        num_layers (int): N, layers of the tower.
        branch (str, optional): ``'video'`` or ``'verb'``; refuses the inputs of the
            other.
        keep_attention (bool): See :class:`PromptHook`.

    Raises:
        ValueError: Another branch; or, in a pass, inputs that do not fit it.
    """

    def __init__(
        self,
        width: int,
        motion_dim: int,
        text_width: int,
        num_layers: int,
        branch: Optional[str] = None,
        keep_attention: bool = True,
    ) -> None:
        super().__init__(keep_attention)
        if branch not in (None, *_INPUTS):
            raise ValueError(f"branch is {branch!r}, want 'video', 'verb' or None")
        self.branch = branch
        self.video_prompt = nn.Linear(motion_dim, width)
        self.verb_prompts = nn.ModuleList(
            nn.Linear(text_width, width) for _ in range(num_layers)
        )

    def describe(self) -> Dict[str, Any]:
        return dict(type='ActionPrompt', motion_dim=self.video_prompt.in_features)

    def before_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        if self._branch_of(context) == 'verb':
            prompt = self._verb_prompt(0, context)
        else:
            motion = context.inputs['motion']
            wanted = (len(tokens), self.video_prompt.in_features)
            if tuple(motion.shape) != wanted:
                raise ValueError(
                    f'motion features are {tuple(motion.shape)} and ActionPrompt wants '
                    f'one vector a frame, {wanted}: is motion_dim that of the video '
                    'encoder, and is there one vector a clip?'
                )
            prompt = self.video_prompt(motion.to(self.video_prompt.weight.dtype))
        return self.insert(tokens, prompt[:, None], context)

    def before_layer(self, index: int, tokens: Tensor, context: TowerContext) -> Tensor:
        if index == 0 or 'verb_states' not in context.inputs:
            return tokens
        return self.replace(tokens, self._verb_prompt(index, context)[:, None])

    def _branch_of(self, context: TowerContext) -> str:
        found = [name for name, key in _INPUTS.items() if key in context.inputs]
        if len(found) != 1 or self.branch not in (None, *found):
            raise ValueError(
                'ActionPrompt needs one of `motion` (one vector a frame, video branch) '
                'and `verb_states` (states of the verb, verb branch) among the inputs '
                f'of the tower; there are {sorted(context.inputs) or "none"}'
                + (f' and branch is {self.branch!r}' if self.branch else '')
            )
        return found[0]

    def _verb_prompt(self, index: int, context: TowerContext) -> Tensor:
        """(N, W), the prompt of a layer for each frame."""
        states = context.inputs['verb_states']
        depth, layer = len(self.verb_prompts), self.verb_prompts[index]
        if states.dim() != 3 or states.shape[2] != layer.in_features:
            raise ValueError(
                f'verb_states are {tuple(states.shape)}, want (runs, text layers, '
                f'{layer.in_features}): is text_width that of the text tower?'
            )
        place = -(-(index + 1) * states.shape[1] // depth) - 1
        prompts = layer(states[:, place].to(layer.weight.dtype))
        return torch.index_select(prompts, 0, context.runs)
