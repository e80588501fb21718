"""Reads one token's states in all layers of a text tower."""

from typing import Optional

import torch
from torch import Tensor

from mmvtg.registry import MODELS

from .base import TowerContext, TowerHook


@MODELS.register_module()
class TokenTap(TowerHook):
    """Hands out the raw residual stream, without final norm, at one token of a text.

    The tower's input ``token_places`` (N,) int64 says at which; the output
    ``token_states`` is (N, layers, C). Hooks before it may have moved the tokens: the
    places are those after them.

    Args:
        state (str): ``'output'`` of each layer, or its ``'input'``, of which the first
            is the embedding.

    Raises:
        ValueError: Another state; or, in a pass, no places or one that is no token.
    """

    only_taps = True

    def __init__(self, state: str = 'output') -> None:
        super().__init__()
        if state not in ('output', 'input'):
            raise ValueError(f"TokenTap: state is {state!r}, want 'output' or 'input'")
        self.state = state

    def before_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        places = context.inputs.get('token_places')
        if places is None:
            raise ValueError(
                'TokenTap reads one token of each text: say which one, '
                "inputs=dict(token_places=...) of the text tower's call"
            )
        bad = (places < 0) | (places > context.ends)
        if bad.any():
            row = int(bad.nonzero()[0, 0])
            raise ValueError(
                f'text {row} of the batch has no token {int(places[row])}: its end '
                f'token stands at {int(context.ends[row])}'
            )
        context.scratch['token_states'] = []
        return tokens

    def before_layer(self, index: int, tokens: Tensor, context: TowerContext) -> Tensor:
        return self._read(tokens, context) if self.state == 'input' else tokens

    def after_layer(
        self,
        index: int,
        tokens: Tensor,
        rows: Optional[Tensor],
        context: TowerContext,
    ) -> Tensor:
        return self._read(tokens, context) if self.state == 'output' else tokens

    def after_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        states = torch.stack(context.scratch['token_states'], dim=1)
        context.outputs['token_states'] = states
        return tokens

    def _read(self, tokens: Tensor, context: TowerContext) -> Tensor:
        row = torch.arange(len(tokens), device=tokens.device)
        states = tokens[row, context.inputs['token_places']]
        context.scratch['token_states'].append(states)
        return tokens
