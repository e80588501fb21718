r"""Turn a checkpoint of the authors' MMN code into one of mmvtg.

    python tools/model_converters/mmn.py pool_charades_best.pth checkpoints/mmn.pth

Reads the authors' files (a dict with ``model`` and the state of the training) and
``.safetensors`` files of the weights. Neck and head of a ``VideoGrounder`` load from
the result; its ``meta['mmn']`` holds the settings that the shapes tell. The size of the
map is not among them. The weights of DistilBERT are kept as ``text_tower.bert.*``.
"""

from typing import Tuple

from mmvtg.models.heads import MMNHead
from mmvtg.models.necks import ProposalMap
from mmvtg.utils.conversion import (
    StateDict,
    check_fits,
    count_layers,
    rename,
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


def convert(official: StateDict) -> Tuple[StateDict, dict]:
    """Rename the authors' parameters, and check that none is amiss.

    Args:
        official (dict[str, Tensor]): With or without the prefix ``module.``.

    Returns:
        tuple[dict[str, Tensor], dict]: Ours, and what the shapes tell of the config.

    Raises:
        ValueError: If a key is unknown or missing, or a shape does not fit.
    """
    state = rename(official, _RULES)
    for key in state:
        if key.startswith(_POINTWISE):
            state[key] = state[key].flatten(1) if state[key].dim() > 1 else state[key]
    try:
        settings = infer_settings(state)
    except KeyError as error:
        raise ValueError(f'the checkpoint has no {error}: is it complete?') from error
    parts = dict(neck=ProposalMap(**settings['neck']), head=MMNHead(**settings['head']))
    check_fits(
        {key: x for key, x in state.items() if not key.startswith('text_tower.')}, parts
    )
    return state, settings


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


if __name__ == '__main__':
    run_converter(__doc__, 'mmn', convert)
