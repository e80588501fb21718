"""The note beside stored features that says how they were made."""

import json
import os
import os.path as osp
from importlib.metadata import version
from typing import Any, Dict

from torch import Tensor, nn

from mmvtg.datasets.feature_store import MANIFEST, read_manifest
from mmvtg.utils.files import write_atomic
from mmvtg.version import __version__

# Said for the record; features made with other versions, or with the same weights from
# another place, are the same features.
_FREE = ('versions', 'pretrained')


def claim_folder(folder: str, manifest: Dict[str, Any]) -> None:
    """Write the manifest into a folder, or see that it is already the same.

    Args:
        folder (str): Feature folder; is made.
        manifest (dict): What is going to be written there.

    Raises:
        ValueError: The folder holds features that were made otherwise. Both values are
            in the message.
    """
    manifest = json.loads(json.dumps(manifest))  # tuples become lists, as when read
    present = read_manifest(folder)
    if present is None:
        if osp.isdir(folder) and any(n.endswith('.npy') for n in os.listdir(folder)):
            raise ValueError(
                f'{folder} holds features without a {MANIFEST}; they may be of another '
                'model. Extract into another folder, or move them away'
            )
        data = json.dumps(manifest, indent=2, sort_keys=True).encode()
        write_atomic(osp.join(folder, MANIFEST), data)
        return
    differ = [
        f'{key}: there {present.get(key)!r}, now {manifest.get(key)!r}'
        for key in sorted(present.keys() | manifest.keys())
        if key not in _FREE and present.get(key) != manifest.get(key)
    ]
    if differ:
        raise ValueError(
            f'{folder} holds features that were made otherwise ({"; ".join(differ)}); '
            'extract into another folder, or delete that one'
        )


def describe_tower(tower: nn.Module, sample: Tensor, kind: str) -> dict:
    """What the manifests of videos and of queries both say.

    Args:
        tower (CLIPTower): Makes the features.
        sample (Tensor): (rows, ...), what is stored of one item.
        kind (str): ``video`` or ``query``.

    Returns:
        dict: Model, hash of the weights, layers (from 0), shape and type, versions.
    """
    packages = ('torch', 'open_clip_torch', 'decord', 'pillow', 'numpy')
    versions = {name: version(name) for name in packages}
    return dict(
        kind=kind,
        **tower.source,
        weights_sha256=tower.weights_sha256(),
        layers=tower.tapped_layers,
        row_shape=list(sample.shape[1:]),
        dtype=str(sample.dtype).removeprefix('torch.'),
        versions=dict(versions, mmvtg=__version__),
    )
