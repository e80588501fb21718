"""Configs of models by name, and whether what users give fits them."""

import os.path as osp
from typing import Dict, List, Optional, Tuple

import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmvtg.encoding import SAMPLING_STEPS
from mmvtg.utils.launch import load_config

from .metafiles import get_model


def find_model(
    name: str, options: Optional[dict] = None
) -> Tuple[Config, Optional[str]]:
    """Config of a model, and under which name the model zoo knows it.

    Args:
        name (str): Config file, or name of a model in a metafile, in any case, with or
            without ``.py``; ``NAME@RELEASE`` for a checkpoint of the authors.
        options (dict, optional): Fields of the config to override.

    Returns:
        tuple: The config, and the name for :func:`mmvtg.apis.model_zoo.download`; None
        for a config file.

    Raises:
        FileNotFoundError: A path (with a ``/``) that does not exist.
        ValueError: No such model; near names are in the message.
    """
    if osp.isfile(name):
        return load_config(name, options), None
    if osp.dirname(name):
        raise FileNotFoundError(f'config {name} does not exist')
    return load_config(get_model(name).config, options), name


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


def test_dataset(cfg: ConfigDict) -> dict:
    """The test set, empty if the config has none."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


def test_pipeline(cfg: ConfigDict) -> List[dict]:
    """The transforms of the test set, none if the config has no test set."""
    return test_dataset(cfg).get('pipeline', [])


def sampling_step(cfg: ConfigDict) -> dict:
    """Return the transform of the test pipeline that samples frames.

    Raises:
        ValueError: If there is none.
    """
    for step in test_pipeline(cfg):
        kind = step['type']
        if (kind if isinstance(kind, str) else kind.__name__) in SAMPLING_STEPS:
            return dict(step)
    raise ValueError(
        f"the config's test pipeline has none of {', '.join(SAMPLING_STEPS)}, so it "
        'does not say which frames the model reads'
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
