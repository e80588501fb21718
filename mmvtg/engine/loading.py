"""Loading of checkpoints of any origin, without running anything in them."""

import json
import os.path as osp
import pickle
import re
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner.checkpoint import load_url
from torch import nn

from mmvtg.utils.config_text import parse_config
from mmvtg.utils.state_dicts import check_weights, find_weights
from mmvtg.utils.tensor_files import CheckpointError, explain, load_tensors

_REFUSED = 'cannot be loaded safely'
_REMEDY = (
    'Copy or download it again; if it comes from another project, use its converter in '
    'tools/model_converters'
)
_HASHED_NAME = re.compile(r'-[0-9a-f]{8,}\.\w+$')


def load_from_local(filename: str, map_location: Any = None) -> dict:
    """Load a checkpoint file, tensors and plain values only.

    Args:
        filename (str): ``.pth`` or ``.safetensors`` file.
        map_location: As for ``torch.load``.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged, holds objects that are not plain data,
            or has no weights.
    """
    filename = osp.expanduser(filename)
    if not osp.isfile(filename):
        raise FileNotFoundError(
            f'checkpoint {filename} does not exist; check the path, or train first'
        )
    try:
        content = load_tensors(filename, map_location)
    except CheckpointError as error:
        raise CheckpointError(
            f'checkpoint {filename} {_REFUSED}: {error}. {_REMEDY}'
        ) from error
    return _unwrapped(content, filename)


def _unwrapped(content: Any, name: str) -> dict:
    """Return a checkpoint in mmengine's layout, with its weights as ``state_dict``.

    Checkpoints of mmengine, and weights alone, are returned as they are.

    Raises:
        CheckpointError: If there are no weights.
    """
    if isinstance(content, dict) and content.get('state_dict') == {}:
        return content  # a model without learned parameters
    try:
        state, notes = find_weights(content)
    except CheckpointError as error:
        raise CheckpointError(f'checkpoint {name} {_REFUSED}: {error}') from error
    if not notes:
        return content
    print_log(f'{name}: {"; ".join(notes)}', 'current')
    return (
        {**content, 'state_dict': state} if 'meta' in content else {'state_dict': state}
    )


def load_weights(model: nn.Module, path: str) -> None:
    """Fill a whole model from a checkpoint of any wrapping.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file cannot be read, or is of another model.
    """
    content = load_from_local(path, 'cpu')
    state = content.get('state_dict', content)
    try:
        check_weights(model, state)
    except CheckpointError as error:
        raise CheckpointError(f'checkpoint {path}: {error}') from error
    model.load_state_dict(state, strict=False)


def features_record(path: str) -> dict:
    """Return the manifests of the features that a checkpoint was trained on.

    Args:
        path (str): ``.pth`` file of a training, or ``.safetensors`` file that
            ``tools/publish_model.py`` made of one.

    Returns:
        dict: Stream -> manifest of its store; empty if the checkpoint has no record.
    """
    if path.endswith('.safetensors'):
        from safetensors import safe_open

        with safe_open(osp.expanduser(path), 'pt') as file:
            record = json.loads((file.metadata() or {}).get('training') or '{}')
        return record.get('features') or {}
    meta = load_from_local(path, 'cpu').get('meta') or {}
    return (meta.get('dataset_meta') or {}).get('features') or {}


def stored_config(path: str) -> Config:
    """Return the config that mmengine wrote into a checkpoint.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the checkpoint has no config, or one that is not plain data.
    """
    content = load_from_local(path, 'cpu')
    hub = content.get('message_hub') or {}
    text = (hub.get('runtime_info') or {}).get('cfg')
    text = text or (content.get('meta') or {}).get('cfg')
    if not isinstance(text, str):
        raise CheckpointError(
            f'checkpoint {path} has no config; name the config file, too'
        )
    try:
        return parse_config(text)
    except CheckpointError as error:
        raise CheckpointError(f'checkpoint {path}: {error}') from error


def load_from_http(
    filename: str,
    map_location: Any = None,
    model_dir: str | None = None,
    progress: bool = True,
) -> dict:
    """Download a checkpoint and load it safely.

    A hash in the file name (``name-0123abcd.pth``) is checked against the content.
    """
    try:
        content = load_url(
            filename,
            model_dir=model_dir,
            map_location=map_location,
            progress=progress,
            check_hash=bool(_HASHED_NAME.search(filename)),
            weights_only=True,
        )
    except pickle.UnpicklingError as error:
        reason = explain(error)  # without torch's advice
        raise CheckpointError(f'checkpoint {filename} {_REFUSED}: {reason}') from None
    return _unwrapped(content, filename)
