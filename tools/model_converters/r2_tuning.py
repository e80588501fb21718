"""Turn a checkpoint of the authors' R2-Tuning code into one of mmvtg.

    python tools/model_converters/r2_tuning.py r2_tuning_qvhighlights-ed516355.pth \
        checkpoints/r2_tuning_qvhighlights.pth

Reads ``.pth`` files (a state dict, or a dict that holds one as ``state_dict``; tensors
and plain values only) and ``.safetensors`` files. The result loads into a
``VideoGrounder``; its ``meta['r2_tuning']`` holds the settings that the shapes tell.
"""

import argparse
import io
import re
import sys
from typing import Dict, List, Tuple

import torch
from torch import Tensor

from mmvtg.engine.checkpoint import load_local
from mmvtg.utils import write_atomic

StateDict = Dict[str, Tensor]

_MLP = {'0': 'norm_in', '2': 'linear_in', '4': 'norm_out', '6': 'linear_out'}
_ATTENTION = {'q': 'q_proj', 'k': 'k_proj', 'v': 'v_proj', 'm': 'out_proj'}
_CONV_HEAD = {'1': 'conv_in', '3': 'conv_out'}
_FFN = {'0': 'linear_in', '2': 'linear_out'}

# Whole names, without .weight and .bias, and what becomes of their groups.
_RULES: List[Tuple[str, object]] = [
    (r'coef', lambda: 'head.level_scale'),
    (r'adapter\.gate', lambda: 'neck.gate'),
    (r'adapter\.scale', lambda: 'neck.pool_scale'),
    (r'adapter\.(video|query)_map\.([0246])', lambda a, b: f'neck.{a}_mlp.{_MLP[b]}'),
    (r'adapter\.v_map', lambda: 'neck.video_proj'),
    (r'adapter\.q_map', lambda: 'neck.query_proj'),
    (
        r'adapter\.tem\.(cross|self)_att\.([qkvm])',
        lambda a, b: f'neck.layer.{a}_attn.{_ATTENTION[b]}',
    ),
    (
        r'adapter\.tem\.(cross|self)_att_norm',
        lambda a: f'neck.layer.{a}_attn_norm',
    ),
    (r'adapter\.tem\.ffn_norm', lambda: 'neck.layer.ffn_norm'),
    (r'adapter\.tem\.ffn\.mapping\.([02])', lambda a: f'neck.layer.ffn.{_FFN[a]}'),
    (r'pooling\.att', lambda: 'head.query_pool.score'),
    (r'class_head\.module\.([13])', lambda a: f'head.class_head.{_CONV_HEAD[a]}'),
    (r'coord_head\.module\.([13])', lambda a: f'head.boundary_head.{_CONV_HEAD[a]}'),
]
_PYRAMID = re.compile(r'pyramid\.blocks\.(\d+)\.(\d+)')
# The temperature, a constant; and CLIP, which is frozen and loaded on its own.
_IGNORED = re.compile(r'loss\._loss_\w+\.scale|clip\..*')


def rename(key: str) -> str:
    """Our name of one of the authors' parameters.

    Raises:
        ValueError: If the key belongs to no known part.
    """
    stem, dot, kind = key.rpartition('.')
    if kind not in ('weight', 'bias'):
        stem, dot, kind = key, '', ''
    match = _PYRAMID.fullmatch(stem)
    if match:
        level, index = map(int, match.groups())
        number, part = divmod(index - 1, 5)
        if part in (0, 2):
            name = 'norm' if part else 'conv'
            return f'pyramid.levels.{level}.{number}.{name}.{kind}'
    for pattern, target in _RULES:
        match = re.fullmatch(pattern, stem)
        if match:
            return target(*match.groups()) + dot + kind
    raise ValueError(
        f'unknown key {key!r}: this is no checkpoint of R2-Tuning, or of a variant '
        'that this converter does not know'
    )


def infer_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of its config.

    Raises:
        ValueError: If parts disagree about the number of steps or levels.
    """
    steps = state['neck.pool_scale'].numel()
    gates = state['neck.gate'].numel() if 'neck.gate' in state else 0
    if gates != steps - 1:
        raise ValueError(f'{steps} steps want {steps - 1} gates, the file has {gates}')
    levels = state['head.level_scale'].numel()
    convs = {}
    for key in state:
        match = re.fullmatch(r'pyramid\.levels\.(\d+)\.(\d+)\.conv\.weight', key)
        if match:
            convs.setdefault(int(match[1]), set()).add(int(match[2]))
    if convs != {level: set(range(level)) for level in range(1, levels)}:
        raise ValueError(
            f'{levels} level coefficients do not fit the convolutions of the pyramid, '
            f'{ {level: len(found) for level, found in convs.items()} } by level'
        )
    width = state['neck.video_mlp.norm_in.weight'].numel()
    # CLIP widths are multiples of 8; two channels more are the temporal endpoints
    use_tef = width % 8 == 2
    return dict(
        channels=state['neck.query_proj.weight'].size(0),
        num_steps=steps,
        strides=[2**level for level in range(levels)],
        use_tef=use_tef,
        video_dims=width - 2 * use_tef,
        query_dims=state['neck.query_mlp.norm_in.weight'].numel(),
        with_boundary='head.boundary_head.conv_out.weight' in state,
    )


def expected_shapes(settings: dict) -> Dict[str, torch.Size]:
    """Names and shapes of the model that ``settings`` describe."""
    from mmvtg.models.heads import R2Head
    from mmvtg.models.necks import R2Block, TemporalPyramid

    own = dict(settings)
    strides, boundary = own.pop('strides'), own.pop('with_boundary')
    channels = own['channels']
    # one head fits every width, and the number of heads changes no shape
    parts = dict(
        neck=R2Block(**own, num_heads=1),
        pyramid=TemporalPyramid(channels, strides),
        head=R2Head(channels, strides, with_boundary=boundary),
    )
    return {
        f'{name}.{key}': value.shape
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }


def convert_state_dict(official: StateDict) -> StateDict:
    """Rename the authors' parameters, in float32, and check that none is amiss.

    Args:
        official (dict[str, Tensor]): With or without the prefix ``module.``.

    Returns:
        dict[str, Tensor]: Keys start with ``neck.``, ``pyramid.`` or ``head.``.

    Raises:
        ValueError: If a key is unknown or missing, or a shape does not fit.
    """
    state = {}
    for key, value in official.items():
        key = key[len('module.') :] if key.startswith('module.') else key
        if not _IGNORED.fullmatch(key):
            state[rename(key)] = value.float()
    try:
        shapes = expected_shapes(infer_settings(state))
    except KeyError as error:
        raise ValueError(f'the checkpoint has no {error}: is it complete?') from error
    missing = sorted(set(shapes) - set(state))
    unknown = sorted(set(state) - set(shapes))
    wrong = [
        f'{key} {tuple(state[key].shape)} instead of {tuple(shape)}'
        for key, shape in shapes.items()
        if key in state and state[key].shape != shape
    ]
    if missing or unknown or wrong:
        raise ValueError(
            'the checkpoint does not fit the model that its shapes describe: '
            f'missing {missing}, superfluous {unknown}, wrong shapes {wrong}'
        )
    return state


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='.pth or .safetensors file of the authors')
    parser.add_argument('target', help='.pth file to write')
    args = parser.parse_args()
    try:
        loaded = load_local(args.source, map_location='cpu')
        state = convert_state_dict(loaded.get('state_dict', loaded))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'{args.source}: {error}')
    settings = infer_settings(state)
    buffer = io.BytesIO()
    torch.save(dict(state_dict=state, meta=dict(r2_tuning=settings)), buffer)
    write_atomic(args.target, buffer.getvalue())
    print(f'{args.target}: {len(state)} tensors, {settings}')


if __name__ == '__main__':
    main()
