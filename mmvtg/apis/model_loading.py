"""Models by name, and whether what users give fits them."""

import difflib
import os.path as osp
from typing import Dict, List, Optional, Tuple

import torch
from mmengine.config import Config, ConfigDict
from mmengine.infer import BaseInferencer
from torch import Tensor, nn

from mmvtg.utils.launch import load_config


def list_models() -> List[str]:
    """Names of all models in the metafiles that ``model-index.yml`` lists."""
    return sorted(_models(_root()))


def find_model(
    name: str, options: Optional[dict] = None
) -> Tuple[Config, Optional[str]]:
    """Config and published weights of a model.

    Args:
        name (str): Config file, or name of a model in a metafile, in any case, with or
            without ``.py``.
        options (dict, optional): Fields of the config to override.

    Returns:
        tuple: The config, and where its weights are; None if none are published, and
        always for a config file.

    Raises:
        FileNotFoundError: A path (with a ``/``) that does not exist.
        ValueError: No such model; near names are in the message.
    """
    if osp.isfile(name):
        return load_config(name, options), None
    if osp.dirname(name):
        raise FileNotFoundError(f'config {name} does not exist')
    root = _root()
    models = _models(root)
    wanted = name.lower().removesuffix('.py')
    if wanted in models:
        model = models[wanted]
        weights = model.get('Weights')
        if isinstance(weights, list):
            weights = weights[0] if weights else None
        return load_config(osp.join(root, model['Config']), options), weights or None
    near = [model for model in models if wanted in model][:5]
    near = near or difflib.get_close_matches(wanted, models, n=3, cutoff=0.3)
    hint = f'did you mean {" or ".join(near)}? ' if near else ''
    raise ValueError(
        f'{name!r} is neither a config file nor the name of a model; {hint}'
        'VTGInferencer.list_models() names them all'
    )


def check_device(device: str) -> str:
    """The device, if there is such a one.

    Raises:
        ValueError: No device of that name here.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f'device {device!r} cannot be used here ({str(error).splitlines()[0]}); '
            "'cpu' always can"
        ) from error
    return device


def clip_rate(cfg: ConfigDict, fps: Optional[float]) -> float:
    """Clips per second: what is given, else the config's.

    Raises:
        ValueError: Neither says it.
    """
    fps = cfg.get('fps') if fps is None else fps
    if fps in (None, 'auto'):
        raise ValueError(f"the config's fps is {fps!r}: say how many clips a second")
    if not fps > 0:
        raise ValueError(f'fps is {fps}: want a positive number of clips a second')
    return float(fps)


def test_pipeline(cfg: ConfigDict) -> List[dict]:
    """The transforms of the test set, none if the config has no test set."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset.get('pipeline', [])


def check_loader(cfg: ConfigDict) -> None:
    """Refuse a config that changes stored features when it loads them.

    Raises:
        ValueError: What the tower says of a video would differ from it.
    """
    changes = ('normalize', 'temporal_endpoints', 'cut_clips', 'max_words')
    for step in test_pipeline(cfg):
        asked = [name for name in changes if step.get(name)]
        if step['type'] == 'LoadStoredFeatures' and asked:
            raise ValueError(
                f'the config loads stored features with {", ".join(asked)}, which the '
                'inferencer does not know how to do for a video'
            )


def check_weights(model: nn.Module, state: Dict[str, Tensor]) -> None:
    """Refuse weights that leave parts of the model as they were drawn.

    Raises:
        ValueError: Naming the first parts that are missing or of another shape.
    """
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    wanted = model.state_dict()
    bad = [f'{key} is missing' for key in wanted if key not in state]
    bad += [
        f'{key} is {tuple(state[key].shape)}, want {tuple(value.shape)}'
        for key, value in wanted.items()
        if key in state and state[key].shape != value.shape
    ]
    if bad:
        raise ValueError(
            f'the weights are of another model than the config: {"; ".join(bad[:3])}'
            + (f'; and {len(bad) - 3} more' if len(bad) > 3 else '')
        )


def _root() -> str:
    """The folder of ``configs``: the sources', or that inside of the package."""
    return BaseInferencer._get_repo_or_mim_dir('mmvtg')


def _models(root: str) -> Dict[str, dict]:
    found = {}
    for model in BaseInferencer._get_models_from_metafile(root):
        aliases = model.get('Alias') or []
        aliases = [aliases] if isinstance(aliases, str) else aliases
        for name in (model['Name'], *aliases):
            found[name.lower()] = model
    return found
