"""Turn a checkpoint of the authors' UniVTG code into one of mmvtg.

    python tools/model_converters/univtg.py model_best.ckpt \
        checkpoints/univtg_qvhighlights.pth

Reads the authors' files (a dict with ``model`` and their options) and ``.safetensors``
files of the weights. The result loads into a ``VideoGrounder``; its ``meta['univtg']``
holds the settings that the shapes tell.
"""

from typing import Dict, Tuple

from torch import nn

from mmvtg.models.heads import UniVTGHead
from mmvtg.models.necks import JointEncoder
from mmvtg.utils.conversion import (
    StateDict,
    convert_checkpoint,
    count_layers,
    run_converter,
)
from mmvtg.utils.detr_conversion import (
    INPUT_RULES,
    UNUSED_WORD_POSITION,
    input_settings,
    layer_rules,
)

_HEADS = {'class_embed': 'class_head', 'span_embed': 'boundary_head'}
_CONVS = ['conv_in', 'conv_mid.0', 'conv_out']
RULES = [
    *INPUT_RULES,
    *layer_rules(r'transformer\.encoder\.layers\.(\d+)', r'neck.encoder.layers.\1'),
    *(
        (rf'{theirs}\.layers\.{i}\.(\w+)', rf'head.{ours}.{conv}.\1')
        for theirs, ours in _HEADS.items()
        for i, conv in enumerate(_CONVS)
    ),
    (r'token_type_embeddings\.weight', 'neck.inputs.token_types.weight'),
    (r'weightedpool\.weight', 'head.query_pool.score.weight'),
    UNUSED_WORD_POSITION,
]


def reshape(state: StateDict) -> None:
    """A pooling vector is one's matrix."""
    score = state['head.query_pool.score.weight']
    state['head.query_pool.score.weight'] = score.t().contiguous()


def convert(official: StateDict) -> Tuple[StateDict, dict]:
    """See :func:`mmvtg.utils.conversion.convert_checkpoint`."""
    return convert_checkpoint(official, RULES, infer_settings, build_parts, reshape)


def infer_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of neck and head."""
    encoder = 'neck.encoder.layers.'
    ffn = state[f'{encoder}0.ffn.linear_in.weight']
    neck = dict(
        **input_settings(state),
        num_layers=count_layers(state, encoder),
        layer=dict(ffn_channels=ffn.size(0), activation='gelu'),
    )
    neck['inputs']['token_types'] = True
    return dict(neck=neck, head=dict(channels=neck['channels']))


def build_parts(settings: dict) -> Dict[str, nn.Module]:
    """The neck and the head that ``settings`` describe."""
    return dict(
        neck=JointEncoder(**settings['neck']), head=UniVTGHead(**settings['head'])
    )


if __name__ == '__main__':
    run_converter(__doc__, 'univtg', convert)
