"""What the checkpoints of Moment-DETR, QD-DETR, TR-DETR and UniVTG have in common.

Names of the authors' parameters and ours, and what shapes tell of a config.
"""

import re
from typing import List, Union

from .conversion import Rule, StateDict, count_layers


def layer_rules(
    theirs: str, ours: str, attention: str = 'self_attn', norms: str = ''
) -> List[Rule]:
    """Rules of a transformer layer.

    Args:
        theirs (str): Pattern of the layer's prefix, with at most one group.
        ours (str): Prefix of our :class:`TransformerLayer`.
        attention (str): Our name of their ``self_attn``.
        norms (str): Our sublayers in the order of their norms, default attention and
            feed-forward.
    """
    names = norms.split() or [attention, 'ffn']
    rules = [
        (rf'{theirs}\.self_attn\.in_proj_(\w+)', rf'{ours}.{attention}.{{qkv}}_proj.'),
        (rf'{theirs}\.self_attn\.out_proj\.(\w+)', rf'{ours}.{attention}.out_proj.'),
        (rf'{theirs}\.linear1\.(\w+)', rf'{ours}.ffn.linear_in.'),
        (rf'{theirs}\.linear2\.(\w+)', rf'{ours}.ffn.linear_out.'),
        (rf'{theirs}\.activation\.(\w+)', rf'{ours}.ffn.activation.'),
    ]
    rules += [
        (rf'{theirs}\.norm{i}\.(\w+)', rf'{ours}.{name}_norm.')
        for i, name in enumerate(names, 1)
    ]
    # the last group is weight or bias
    last = re.compile(rules[0][0]).groups
    return [(pattern, target + rf'\{last}') for pattern, target in rules]


def _input_rules(theirs: str, ours: str) -> List[Rule]:
    return [
        (rf'{theirs}\.0\.LayerNorm\.(\w+)', rf'{ours}.norm_in.\1'),
        (rf'{theirs}\.0\.net\.1\.(\w+)', rf'{ours}.linear_in.\1'),
        (rf'{theirs}\.1\.LayerNorm\.(\w+)', rf'{ours}.norm_out.\1'),
        (rf'{theirs}\.1\.net\.1\.(\w+)', rf'{ours}.linear_out.\1'),
    ]


INPUT_RULES: List[Rule] = [
    *_input_rules('input_vid_proj', 'neck.inputs.video_mlp'),
    *_input_rules('input_txt_proj', 'neck.inputs.query_mlp'),
]
#: Made, saved and never used unless an option says so.
UNUSED_WORD_POSITION: Rule = (r'txt_position_embed\..*', None)

MOMENT_RULES: List[Rule] = [
    (r'class_embed\.(weight|bias)', r'head.class_proj.\1'),
    (r'span_embed\.(layers\.\d+\.\w+)', r'head.span_mlp.\1'),
]


def input_settings(state: StateDict) -> dict:
    """Widths that the input projections of a converted state dict tell.

    Feature widths are multiples of 4; two channels more are the temporal endpoints. Two
    streams with endpoints of their own are four channels more: then the audio of
    QD-DETR (2048 wide) is the second.
    """
    width = state['neck.inputs.video_mlp.norm_in.weight'].numel()
    use_tef = width % 4 == 2
    video_dims: Union[int, List[int]] = width - 2 * use_tef
    if width > 4096 and width % 8 == 4:
        use_tef, video_dims = True, [width - 2052, 2048]
    return dict(
        video_dims=video_dims,
        query_dims=state['neck.inputs.query_mlp.norm_in.weight'].numel(),
        channels=state['neck.inputs.query_mlp.linear_out.weight'].size(0),
        inputs=dict(use_tef=use_tef),
    )


# What those of QD-DETR and TR-DETR have in common besides.

CROSS_RULES = layer_rules(
    r'transformer\.t2v_encoder\.layers\.(\d+)', r'neck.cross_layers.\1', 'cross_attn'
)
_LAYER = r'transformer\.decoder\.layers\.(\d+)'
_PARTS = {
    'qcontent': 'query',
    'qpos': 'query_place',
    'qpos_sine': 'query_code',
    'kcontent': 'key',
    'kpos': 'key_place',
    'v': 'value',
}
_NORMS = {1: 'self_norm', 2: 'cross_norm', 3: 'ffn_norm'}
_MLPS = {
    'query_scale': 'query_scale',
    'ref_point_head': 'position_mlp',
    'ref_anchor_head': 'width_mlp',
    'bbox_embed': 'move',
}
ANCHOR_RULES: List[Rule] = [
    *(
        (rf'{_LAYER}\.{short}_{name}_proj\.(\w+)', rf'\1.{attention}_{ours}.\2')
        for short, attention in (('sa', 'self'), ('ca', 'cross'))
        for name, ours in _PARTS.items()
    ),
    (rf'{_LAYER}\.(self|cross)_attn\.out_proj\.(\w+)', r'\1.\2_out.\3'),
    *((rf'{_LAYER}\.norm{i}\.(\w+)', rf'\1.{ours}.\2') for i, ours in _NORMS.items()),
    (rf'{_LAYER}\.linear1\.(\w+)', r'\1.ffn.linear_in.\2'),
    (rf'{_LAYER}\.linear2\.(\w+)', r'\1.ffn.linear_out.\2'),
    (rf'{_LAYER}\.activation\.(\w+)', r'\1.ffn.activation.\2'),
]
ANCHOR_RULES = [(a, f'head.decoder.layers.{b}') for a, b in ANCHOR_RULES]
ANCHOR_RULES += [
    (rf'transformer\.decoder\.{name}\.(.+)', rf'head.decoder.{ours}.\1')
    for name, ours in _MLPS.items()
]
ANCHOR_RULES += [
    (r'transformer\.decoder\.norm\.(\w+)', r'head.decoder.norm.\1'),
    (r'query_embed\.weight', r'head.decoder.anchors.weight'),
]


def cross_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of :class:`CrossEncoder`."""
    ffn = state['neck.cross_layers.0.ffn.linear_in.weight']
    return dict(
        **input_settings(state),
        num_cross_layers=count_layers(state, 'neck.cross_layers.'),
        num_layers=count_layers(state, 'neck.encoder.layers.'),
        layer=dict(ffn_channels=ffn.size(0)),
    )


def anchor_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of :class:`AnchorDecoder`."""
    ffn = state['head.decoder.layers.0.ffn.linear_in.weight']
    return dict(
        type='AnchorDecoder',
        num_queries=state['head.decoder.anchors.weight'].size(0),
        num_layers=count_layers(state, 'head.decoder.layers.'),
        layer=dict(ffn_channels=ffn.size(0)),
    )
