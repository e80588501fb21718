"""Turn a checkpoint of the authors' Moment-DETR code into one of mmvtg.

    python tools/model_converters/moment_detr.py model_best.ckpt \
        checkpoints/moment_detr_qvhighlights.pth

Reads the authors' files (a dict with ``model`` and their options) and ``.safetensors``
files of the weights. The result loads into a ``VideoGrounder``; its
``meta['moment_detr']`` holds the settings that the shapes tell.
"""

from typing import Dict, List, Tuple

from torch import nn

from mmvtg.models.heads import DETRHead
from mmvtg.models.necks import JointEncoder
from mmvtg.utils.conversion import (
    Rule,
    StateDict,
    convert_checkpoint,
    count_layers,
    run_converter,
)
from mmvtg.utils.detr_conversion import (
    INPUT_RULES,
    MOMENT_RULES,
    UNUSED_WORD_POSITION,
    input_settings,
    layer_rules,
)

_DECODER = r'transformer\.decoder\.layers\.(\d+)'
_RULES = [
    *INPUT_RULES,
    *MOMENT_RULES,
    *layer_rules(r'transformer\.encoder\.layers\.(\d+)', r'neck.encoder.layers.\1'),
    *layer_rules(_DECODER, r'head.decoder.layers.\1', norms='self_attn cross_attn ffn'),
    (
        _DECODER + r'\.multihead_attn\.in_proj_(\w+)',
        r'head.decoder.layers.\1.cross_attn.{qkv}_proj.\2',
    ),
    (
        _DECODER + r'\.multihead_attn\.out_proj\.(\w+)',
        r'head.decoder.layers.\1.cross_attn.out_proj.\2',
    ),
    (r'transformer\.decoder\.norm\.(\w+)', r'head.decoder.norm.\1'),
    (r'query_embed\.weight', r'head.decoder.query_embed.weight'),
    (r'saliency_proj\.(\w+)', r'head.saliency.proj.\1'),
    (r'contrastive_align_projection_query\.(\w+)', r'head.state_proj.\1'),
    (r'contrastive_align_projection_txt\.(\w+)', r'head.word_proj.\1'),
    # of no effect in the authors' code
    (r'contrastive_align_projection_vid\..*', None),
]


def convert(official: StateDict, word_position: bool = False) -> Tuple[StateDict, dict]:
    """See :func:`mmvtg.utils.conversion.convert_checkpoint`.

    Args:
        official (dict[str, Tensor]): With or without the prefix ``module.``.
        word_position (bool): The model was trained with ``use_txt_pos``. The weights of
            these positions are in every file.
    """
    rules = make_rules(word_position)
    return convert_checkpoint(official, rules, infer_settings, build_parts)


def make_rules(word_position: bool = False) -> List[Rule]:
    """Names of theirs and ours, with or without positions of words."""
    if not word_position:
        return [*_RULES, UNUSED_WORD_POSITION]
    ours = 'neck.word_position.'
    return [
        *_RULES,
        (r'txt_position_embed\.position_embeddings\.(\w+)', ours + r'embedding.\1'),
        (r'txt_position_embed\.LayerNorm\.(\w+)', ours + r'norm.\1'),
    ]


def infer_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of neck and head."""
    encoder, decoder = 'neck.encoder.layers.', 'head.decoder.layers.'
    ffn = state[f'{encoder}0.ffn.linear_in.weight'].size(0)
    neck = dict(
        **input_settings(state),
        num_layers=count_layers(state, encoder),
        layer=dict(ffn_channels=ffn),
    )
    places = state.get('neck.word_position.embedding.weight')
    if places is not None:
        neck['max_words'] = places.size(0)
    head = dict(
        channels=neck['channels'],
        decoder=dict(
            num_queries=state['head.decoder.query_embed.weight'].size(0),
            num_layers=count_layers(state, decoder),
            layer=dict(ffn_channels=ffn),
        ),
    )
    if 'head.word_proj.weight' in state:
        head['word_channels'] = state['head.word_proj.weight'].size(0)
    return dict(neck=neck, head=head)


def build_parts(settings: dict) -> Dict[str, nn.Module]:
    """The neck and the head that ``settings`` describe."""
    head = dict(settings['head'])
    head['decoder'] = dict(type='QueryDecoder', **head['decoder'])
    if 'word_channels' in head:
        head['losses'] = dict(words=dict(type='QueryWordLoss'))
    return dict(neck=JointEncoder(**settings['neck']), head=DETRHead(**head))


if __name__ == '__main__':
    run_converter(__doc__, 'moment_detr', convert)
