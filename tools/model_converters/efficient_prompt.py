"""Turn a checkpoint of the authors' Efficient-Prompt code into one of mmvtg.

    python tools/model_converters/efficient_prompt.py official.pth converted.pth

The frozen CLIP weights in it are left out. The result loads into an `ActionRecognizer`
whose `ContextPrompt` has indexing='position'; its `meta['efficient_prompt']` holds the
settings that the shapes tell (how many vectors stand before and after the words is not
among them: the authors' table has one for each place).
"""

import argparse
import io
import re
import sys
from typing import Dict

import torch
from torch import Tensor

from mmvtg.utils import write_atomic
from mmvtg.utils.conversion import load_released
from mmvtg.utils.tool_main import tool_main

StateDict = Dict[str, Tensor]

_PROMPTS = 'classifier.text_tower.hooks.0.embedding.weight'
_WHOLE = {
    'embedding.weight': _PROMPTS,
    'temporalEmbedding.weight': 'temporal.position.weight',
}
_PARTS = {
    'ln_1': 'self_attn_norm',
    'ln_2': 'ffn_norm',
    'attn.out_proj': 'self_attn.out_proj',
    'mlp.c_fc': 'ffn.linear_in',
    'mlp.c_proj': 'ffn.linear_out',
}
_LAYER = re.compile(r'temporalModelling\.resblocks\.(\d+)\.(.+)')
_JOINED = re.compile(r'attn\.in_proj_(weight|bias)')
_IGNORED = re.compile(r'clipmodel\..*')


def convert_state_dict(official: StateDict) -> StateDict:
    """Rename the authors' parameters, in float32.

    Args:
        official (dict[str, Tensor]): With or without the prefix ``module.``.

    Returns:
        dict[str, Tensor]: Of an ``ActionRecognizer``.

    Raises:
        ValueError: If a key is unknown, or the prompts are missing.
    """
    state: StateDict = {}
    for key, value in official.items():
        key = key.removeprefix('module.')
        if not _IGNORED.fullmatch(key):
            state.update(_convert(key, value.float()))
    if _PROMPTS not in state:
        raise ValueError(
            'there is no embedding.weight: this is no checkpoint of Efficient-Prompt'
        )
    return state


def _convert(key: str, value: Tensor) -> StateDict:
    if key in _WHOLE:
        return {_WHOLE[key]: value}
    layer = _LAYER.fullmatch(key)
    if layer:
        prefix, part = f'temporal.layers.{layer[1]}', layer[2]
        joined = _JOINED.fullmatch(part)
        if joined:
            names = (f'self_attn.{name}_proj.{joined[1]}' for name in 'qkv')
            thirds = value.chunk(3)
            return {f'{prefix}.{name}': one for name, one in zip(names, thirds)}
        stem, _, kind = part.rpartition('.')
        if stem in _PARTS:
            return {f'{prefix}.{_PARTS[stem]}.{kind}': value}
    raise ValueError(
        f'unknown key {key!r}: this is no checkpoint of Efficient-Prompt, or of a '
        'variant that this converter does not know'
    )


def infer_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of its config."""
    layers = {key.split('.')[2] for key in state if key.startswith('temporal.layers.')}
    places, width = state[_PROMPTS].shape
    frames = state.get('temporal.position.weight', torch.empty(0)).shape[0]
    return dict(width=width, num_places=places, num_layers=len(layers), frames=frames)


@tool_main(also=(ValueError,))
def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('official')
    parser.add_argument('converted')
    args = parser.parse_args()
    try:
        state = convert_state_dict(load_released(args.official))
    except (OSError, ValueError) as error:
        raise SystemExit(f'{args.official}: {error}') from error
    meta = dict(efficient_prompt=infer_settings(state))
    buffer = io.BytesIO()
    torch.save(dict(state_dict=state, meta=meta), buffer)
    write_atomic(args.converted, buffer.getvalue())
    print(f'{args.converted}: {meta["efficient_prompt"]}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
