"""What converters of other projects' checkpoints share."""

import argparse
import io
import pickle
import re
import sys
from typing import Callable, Dict, Iterable, List, Optional, Tuple

import torch
from torch import Tensor, nn

from .files import write_atomic

StateDict = Dict[str, Tensor]
#: A pattern of the authors' keys, and ours for it (``\1`` is the first group); None
#: drops the tensor, ``{qkv}`` in ours splits it into ``q``, ``k`` and ``v``.
Rule = Tuple[str, Optional[str]]


def load_released(path: str) -> dict:
    """Load a released checkpoint; nothing that it holds is run.

    Tensors and plain values are read, and the ``argparse.Namespace`` of options that
    authors leave beside them.

    Args:
        path (str): File of ``torch.save``, or ``.safetensors``.

    Returns:
        dict: As it was saved.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged or holds other objects.
    """
    if path.endswith('.safetensors'):
        from mmvtg.engine.checkpoint import load_local

        return load_local(path, map_location='cpu')
    if not hasattr(torch.serialization, 'safe_globals'):
        raise ValueError(
            f'torch {torch.__version__} cannot load options safely: convert the file '
            'where torch is 2.5 or newer'
        )
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(
            f'{path} is damaged, or holds objects besides weights, plain values and '
            f'options: it is not loaded. ({error})'
        ) from error


def rename(official: StateDict, rules: Iterable[Rule]) -> StateDict:
    """Give tensors our names, in float32.

    Args:
        official (dict[str, Tensor]): With or without the prefix ``module.``.
        rules (Iterable[Rule]): The first whose pattern is the whole key counts.

    Returns:
        dict[str, Tensor]: By our names.

    Raises:
        ValueError: If a key is unknown.
    """
    rules = [(re.compile(pattern), target) for pattern, target in rules]
    state = {}
    for key, value in official.items():
        key = key[len('module.') :] if key.startswith('module.') else key
        found = ((pattern.fullmatch(key), target) for pattern, target in rules)
        match, target = next((pair for pair in found if pair[0]), (None, None))
        if match is None:
            raise ValueError(
                f'unknown key {key!r}: this is no checkpoint of this method, or of a '
                'variant that this converter does not know'
            )
        if target is None:
            continue
        name = match.expand(target)
        if '{qkv}' in name:
            for letter, part in zip('qkv', value.float().chunk(3)):
                state[name.replace('{qkv}', letter)] = part
        else:
            state[name] = value.float()
    return state


def check_fits(state: StateDict, parts: Dict[str, nn.Module]) -> None:
    """Check that a state dict is complete and of the right shapes.

    Args:
        state (dict[str, Tensor]): Converted.
        parts (dict[str, Module]): ``neck`` and ``head`` that it is to fill.

    Raises:
        ValueError: If a key is missing or superfluous, or a shape is wrong.
    """
    shapes = {
        f'{name}.{key}': value.shape
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
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


def run_converter(
    doc: str, name: str, convert: Callable[[StateDict], Tuple[StateDict, dict]]
) -> None:
    """The command line of a converter: source and target.

    Args:
        doc (str): Help text.
        name (str): Of the method; settings become ``meta[name]``.
        convert (callable): Gives our state dict and what the shapes tell of the config.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='.ckpt, .pth or .safetensors of the authors')
    parser.add_argument('target', help='.pth file to write')
    args = parser.parse_args()
    try:
        loaded = load_released(args.source)
        state, settings = convert(loaded.get('model', loaded))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'{args.source}: {error}')
    buffer = io.BytesIO()
    torch.save(dict(state_dict=state, meta={name: settings}), buffer)
    write_atomic(args.target, buffer.getvalue())
    sys.stdout.write(f'{args.target}: {len(state)} tensors, {settings}\n')


# What the checkpoints of Moment-DETR, QD-DETR, TR-DETR and UniVTG have in common.


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


def count_layers(state: StateDict, prefix: str) -> int:
    """How many layers have names that begin with ``prefix`` and a number."""
    found = (re.match(re.escape(prefix) + r'(\d+)\.', key) for key in state)
    return len({match[1] for match in found if match})


def input_settings(state: StateDict) -> dict:
    """Widths that the input projections of a converted state dict tell.

    Feature widths are multiples of 4; two channels more are the temporal endpoints. Two
    streams with endpoints of their own are four channels more: then the audio of
    QD-DETR (2048 wide) is the second.
    """
    width = state['neck.inputs.video_mlp.norm_in.weight'].numel()
    use_tef = width % 4 == 2
    video_dims = width - 2 * use_tef
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
