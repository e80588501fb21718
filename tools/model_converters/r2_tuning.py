"""Turn a checkpoint of the authors' R2-Tuning code into one of mmvtg.

    python tools/model_converters/r2_tuning.py r2_tuning_qvhighlights-ed516355.pth \
        checkpoints/r2_tuning_qvhighlights.pth

Reads ``.pth`` files (a state dict, or a dict that holds one as ``state_dict``; tensors
and plain values only) and ``.safetensors`` files. The result loads into a
``VideoGrounder``; its ``meta['r2_tuning']`` holds the settings that the shapes tell.
"""

import re
from typing import Dict, List, Tuple

from torch import nn

from mmvtg.models.heads import R2Head
from mmvtg.models.necks import R2Block, TemporalPyramid
from mmvtg.utils.conversion import (
    Rule,
    StateDict,
    convert_checkpoint,
    run_converter,
)

_MLP = {'0': 'norm_in', '2': 'linear_in', '4': 'norm_out', '6': 'linear_out'}
_ATTENTION = {'q': 'q_proj', 'k': 'k_proj', 'v': 'v_proj', 'm': 'out_proj'}
_CONV_HEAD = {'1': 'conv_in', '3': 'conv_out'}
_FFN = {'0': 'linear_in', '2': 'linear_out'}
#: Modules by their names and ours; {} stands for the names in the table.
_TABLES: List[Tuple[str, str, Dict[str, str]]] = [
    (r'adapter\.(video|query)_map\.{}', r'neck.\1_mlp.{}', _MLP),
    (r'adapter\.tem\.(cross|self)_att\.{}', r'neck.layer.\1_attn.{}', _ATTENTION),
    (r'adapter\.tem\.ffn\.mapping\.{}', r'neck.layer.ffn.{}', _FFN),
    (r'class_head\.module\.{}', r'head.class_head.{}', _CONV_HEAD),
    (r'coord_head\.module\.{}', r'head.boundary_head.{}', _CONV_HEAD),
    # a level has blocks of five modules, from 1 on; eight are more than any level has
    *(
        (r'pyramid\.blocks\.(\d+)\.{}', rf'pyramid.levels.\1.{block}.{{}}', table)
        for block in range(8)
        for table in [{f'{5 * block + 1}': 'conv', f'{5 * block + 3}': 'norm'}]
    ),
]
_MODULES = [
    (r'adapter\.v_map', 'neck.video_proj'),
    (r'adapter\.q_map', 'neck.query_proj'),
    (r'adapter\.tem\.(cross|self)_att_norm', r'neck.layer.\1_attn_norm'),
    (r'adapter\.tem\.ffn_norm', 'neck.layer.ffn_norm'),
    (r'pooling\.att', 'head.query_pool.score'),
]
for _theirs, _ours, _table in _TABLES:
    _MODULES += [(_theirs.format(a), _ours.format(b)) for a, b in _table.items()]


def _parameters(theirs: str, ours: str) -> Rule:
    """The rule of a module's weight and bias."""
    group = re.compile(theirs).groups + 1
    return rf'{theirs}\.(weight|bias)', rf'{ours}.\{group}'


RULES: List[Rule] = [
    (r'coef', 'head.level_scale'),
    (r'adapter\.gate', 'neck.gate'),
    (r'adapter\.scale', 'neck.pool_scale'),
    *(_parameters(*module) for module in _MODULES),
    # the temperature, a constant; and CLIP, which is frozen and loaded on its own
    (r'loss\._loss_\w+\.scale', None),
    (r'clip\..*', None),
]


def convert(official: StateDict) -> Tuple[StateDict, dict]:
    """See :func:`mmvtg.utils.conversion.convert_checkpoint`."""
    return convert_checkpoint(official, RULES, infer_settings, build_parts)


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
    # Each convolution of a level halves its length.
    halvings = [len(convs.get(level, ())) for level in range(levels)]
    if convs != {i: set(range(count)) for i, count in enumerate(halvings) if count}:
        raise ValueError(
            f'{levels} level coefficients do not fit the convolutions of the pyramid, '
            f'{ {level: len(found) for level, found in convs.items()} } by level'
        )
    width = state['neck.video_mlp.norm_in.weight'].numel()
    # CLIP widths are multiples of 8; two channels more are the temporal endpoints
    use_tef = width % 8 == 2
    channels = state['neck.query_proj.weight'].size(0)
    return dict(
        channels=channels,
        num_steps=steps,
        ffn_ratio=state['neck.layer.ffn.linear_in.weight'].size(0) // channels,
        strides=[2**count for count in halvings],
        use_tef=use_tef,
        video_dims=width - 2 * use_tef,
        query_dims=state['neck.query_mlp.norm_in.weight'].numel(),
        with_boundary='head.boundary_head.conv_out.weight' in state,
    )


def build_parts(settings: dict) -> Dict[str, nn.Module]:
    """The modules that ``settings`` describe."""
    own = dict(settings)
    strides, boundary = own.pop('strides'), own.pop('with_boundary')
    channels = own['channels']
    # one head fits every width, and the number of heads changes no shape
    return dict(
        neck=R2Block(**own, num_heads=1),
        pyramid=TemporalPyramid(channels, strides),
        head=R2Head(channels, strides, with_boundary=boundary),
    )


if __name__ == '__main__':
    run_converter(__doc__, 'r2_tuning', convert)
