"""Configs of models by name, and checks of devices and weights."""

import os.path as osp

import torch
from mmengine.config import Config, ConfigDict

from mmvtg.encoding import SAMPLING_STEPS
from mmvtg.registry import TRANSFORMS, is_kind
from mmvtg.utils.launch import load_config

from .metafiles import get_model


def find_model(name: str, options: dict | None = None) -> tuple[Config, str | None]:
    """Return the config of a model, and its name in the model zoo.

    Args:
        name (str): Config file, or name of a model in a metafile, in any case, with or
            without ``.py``; ``NAME@RELEASE`` for a checkpoint of the authors.
        options (dict, optional): Fields of the config to override.

    Returns:
        tuple: Config, and name for :func:`mmvtg.apis.model_zoo.download`, None for a
        config file.

    Raises:
        FileNotFoundError: If ``name`` is a path (with a ``/``) that does not exist.
        ValueError: If no model has this name; the message has similar names.
    """
    if osp.isfile(name):
        return load_config(name, options), None
    if osp.dirname(name):
        raise FileNotFoundError(f'config {name} does not exist')
    return load_config(get_model(name).config, options), name


def check_device(device: str) -> str:
    """Return the name of a device that can be used.

    Raises:
        ValueError: If the device cannot be used.
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
    """Return the config of the test set, empty if there is no test set."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


def test_pipeline(cfg: ConfigDict) -> list[dict]:
    """Return the transforms of the test set, empty if there is no test set."""
    return test_dataset(cfg).get('pipeline', [])


def sampling_step(cfg: ConfigDict) -> dict:
    """Return the transform of the test pipeline that samples frames.

    Raises:
        ValueError: If the test pipeline has no such transform.
    """
    for step in test_pipeline(cfg):
        if is_kind(step, SAMPLING_STEPS, TRANSFORMS):
            return dict(step)
    names = ', '.join(step.__name__ for step in SAMPLING_STEPS)
    raise ValueError(
        f"the config's test pipeline has none of {names}, so it "
        'does not say which frames the model reads'
    )
