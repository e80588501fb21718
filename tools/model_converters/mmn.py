r"""Turn a checkpoint of the authors' MMN code into one of mmvtg.

    python tools/model_converters/mmn.py pool_charades_best.pth checkpoints/mmn.pth

Reads the authors' files (a dict with ``model`` and the state of the training) and
``.safetensors`` files of the weights. Neck and head of a ``VideoGrounder`` load from
the result; its ``meta['mmn']`` holds the settings that the shapes tell. The size of the
map is not among them. The weights of DistilBERT are kept as ``text_tower.bert.*``.
"""

from typing import Dict, Tuple

from torch import nn

from mmvtg.models.heads import MMNHead
from mmvtg.models.necks import ProposalMap
from mmvtg.utils.conversion import (
    StateDict,
    convert_checkpoint,
    count_layers,
    run_converter,
)

_RULES = [
    (r'featpool\.conv\.(\w+)', r'neck.pooling.proj.\1'),
    (r'proposal_conv\.convs\.(\d+)\.(\w+)', r'neck.conv.convs.\1.\2'),
    (r'proposal_conv\.bn\.(\d+)\.(\w+)', r'neck.conv.norms.\1.\2'),
    (r'proposal_conv\.conv1x1_iou\.(\w+)', r'head.proposal_iou.\1'),
    (r'proposal_conv\.conv1x1_contrastive\.(\w+)', r'head.proposal_contrast.\1'),
    (r'text_encoder\.layernorm\.(\w+)', r'head.query_norm.\1'),
    (r'text_encoder\.fc_out1\.(\w+)', r'head.query_iou.\1'),
    (r'text_encoder\.fc_out2\.(\w+)', r'head.query_contrast.\1'),
    (r'text_encoder\.bert\.(.+)', r'text_tower.bert.\1'),
]
# convolutions of width 1, which are linear layers here
_POINTWISE = ('neck.pooling.', 'head.proposal_')


def reshape(state: StateDict) -> None:
    """Convolutions of width 1 are linears."""
    for key in state:
        if key.startswith(_POINTWISE) and state[key].dim() > 1:
            state[key] = state[key].flatten(1)


def convert(official: StateDict) -> Tuple[StateDict, dict]:
    """See :func:`mmvtg.utils.conversion.convert_checkpoint`."""
    return convert_checkpoint(
        official, _RULES, infer_settings, build_parts, reshape, apart=('text_tower.',)
    )


def infer_settings(state: StateDict) -> dict:
    """What the shapes of a converted state dict tell of neck and head."""
    conv = state['neck.conv.convs.0.weight']
    project = 'neck.pooling.proj.weight' in state
    first = state['neck.pooling.proj.weight'] if project else conv
    query = state['head.query_iou.weight']
    return dict(
        neck=dict(
            in_channels=first.size(1),
            channels=conv.size(0),
            kernel_size=conv.size(2),
            num_layers=count_layers(state, 'neck.conv.convs.'),
            project=project,
        ),
        head=dict(
            channels=conv.size(0), query_dims=query.size(1), embed_dims=query.size(0)
        ),
    )


def build_parts(settings: dict) -> Dict[str, nn.Module]:
    """The neck and the head that ``settings`` describe."""
    return dict(neck=ProposalMap(**settings['neck']), head=MMNHead(**settings['head']))


if __name__ == '__main__':
    run_converter(__doc__, 'mmn', convert)
