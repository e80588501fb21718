"""Turn a checkpoint of the authors' TR-DETR code into one of mmvtg.

    python tools/model_converters/tr_detr.py model_best.ckpt \
        checkpoints/tr_detr_qvhighlights.pth

Reads the authors' files (a dict with ``model`` and their options) and ``.safetensors``
files of the weights, with or without audio. The result loads into a ``VideoGrounder``;
its ``meta['tr_detr']`` holds the settings that the shapes tell.
"""

from typing import Dict, Tuple

from torch import nn

from mmvtg.models.heads import TRDETRHead
from mmvtg.models.necks import CrossEncoder
from mmvtg.utils.conversion import (
    StateDict,
    convert_checkpoint,
    count_layers,
    run_converter,
)
from mmvtg.utils.detr_conversion import (
    ANCHOR_RULES,
    CROSS_RULES,
    INPUT_RULES,
    MOMENT_RULES,
    UNUSED_WORD_POSITION,
    anchor_settings,
    cross_settings,
    layer_rules,
)

_REFINE = {
    r'cq_attention\.w4C': 'clip_score',
    r'cq_attention\.w4Q': 'word_score',
    r'cq_attention\.w4mlu': 'pair_scale',
    r'cq_attention\.cqa_linear\.conv1d\.weight': 'mix.weight',
    r'cq_attention\.cqa_linear\.conv1d\.bias': 'mix.bias',
    r'cq_concat\.weighted_pool\.weight': 'query_pool.score.weight',
    r'cq_concat\.conv1d\.conv1d\.weight': 'out.weight',
    r'cq_concat\.conv1d\.conv1d\.bias': 'out.bias',
}
RULES = [
    *INPUT_RULES,
    *CROSS_RULES,
    *layer_rules(r'transformer\.encoder\.layers\.(\d+)', r'head.encoder.layers.\1'),
    *ANCHOR_RULES,
    *MOMENT_RULES,
    *((rf'fuser\.{theirs}', f'neck.refine.{ours}') for theirs, ours in _REFINE.items()),
    (r'saliency_proj1\.(\w+)', r'head.saliency.proj.\1'),
    (r'gru_extractor\.gru\.(\w+)', r'head.moment_gru.\1'),
    UNUSED_WORD_POSITION,
]


def reshape(state: StateDict) -> None:
    """Convolutions of width 1 are linears, and a pooling vector is one's matrix."""
    for name in ('mix.weight', 'out.weight'):
        state[f'neck.refine.{name}'] = state[f'neck.refine.{name}'].squeeze(-1)
    state['neck.refine.pair_scale'] = state['neck.refine.pair_scale'][0]
    score = state['neck.refine.query_pool.score.weight']
    state['neck.refine.query_pool.score.weight'] = score.t().contiguous()


def convert(official: StateDict) -> Tuple[StateDict, dict]:
    """See :func:`mmvtg.utils.conversion.convert_checkpoint`."""
    return convert_checkpoint(official, RULES, infer_settings, build_parts, reshape)


def infer_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of neck and head."""
    neck = cross_settings(state)
    head = dict(
        channels=neck['channels'],
        num_layers=count_layers(state, 'head.encoder.layers.'),
        layer=dict(neck['layer']),
        decoder=anchor_settings(state),
    )
    return dict(neck=neck, head=head)


def build_parts(settings: dict) -> Dict[str, nn.Module]:
    """The neck and the head that ``settings`` describe."""
    neck = CrossEncoder(**settings['neck'], refine=True)
    return dict(neck=neck, head=TRDETRHead(**settings['head']))


if __name__ == '__main__':
    run_converter(__doc__, 'tr_detr', convert)
