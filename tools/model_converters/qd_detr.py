"""Turn a checkpoint of the authors' QD-DETR code into one of mmvtg.

    python tools/model_converters/qd_detr.py model_best.ckpt \
        checkpoints/qd_detr_qvhighlights.pth

Reads the authors' files (a dict with ``model`` and their options) and ``.safetensors``
files of the weights, with or without audio. The result loads into a ``VideoGrounder``;
its ``meta['qd_detr']`` holds the settings that the shapes tell.
"""

from typing import Dict, Tuple

from torch import nn

from mmvtg.models.heads import DETRHead
from mmvtg.models.necks import CrossEncoder
from mmvtg.utils.conversion import StateDict, convert_checkpoint, run_converter
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

RULES = [
    *INPUT_RULES,
    *CROSS_RULES,
    *layer_rules(r'transformer\.encoder\.layers\.(\d+)', r'neck.encoder.layers.\1'),
    *ANCHOR_RULES,
    *MOMENT_RULES,
    (r'saliency_proj1\.(\w+)', r'head.saliency.clip_proj.\1'),
    (r'saliency_proj2\.(\w+)', r'head.saliency.summary_proj.\1'),
    (r'global_rep_token', 'neck.summary_token'),
    (r'global_rep_pos', 'neck.summary_position'),
    UNUSED_WORD_POSITION,
]


def convert(official: StateDict) -> Tuple[StateDict, dict]:
    """See :func:`mmvtg.utils.conversion.convert_checkpoint`."""
    return convert_checkpoint(official, RULES, infer_settings, build_parts)


def infer_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of neck and head."""
    neck = cross_settings(state)
    decoder = anchor_settings(state)
    return dict(neck=neck, head=dict(channels=neck['channels'], decoder=decoder))


def build_parts(settings: dict) -> Dict[str, nn.Module]:
    """The neck and the head that ``settings`` describe."""
    head = DETRHead(**settings['head'], saliency=dict(type='SummarySaliency'))
    neck = CrossEncoder(**settings['neck'], summary_token=True)
    return dict(neck=neck, head=head)


if __name__ == '__main__':
    run_converter(__doc__, 'qd_detr', convert)
