"""Configs of models by name, and whether what users give fits them."""

import os.path as osp
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmvtg.utils.launch import load_config
from mmvtg.video.source import FrameSource

from .metafiles import get_model


@dataclass(frozen=True)
class Slice:
    """What is kept of stored layers and tokens when they are loaded.

    Args:
        num_layers (int, optional): The last so many layers; default is all.
        class_token (bool): Of a frame's tokens the first alone.
    """

    num_layers: Optional[int] = None
    class_token: bool = False

    def __call__(self, rows: Tensor) -> Tensor:
        """(T, N, P, C) or (L, N, C), as a store holds them, to fewer layers and tokens.

        Vectors (T, C) stay what they are.
        """
        if rows.dim() > 2 and self.num_layers is not None:
            rows = rows[:, -self.num_layers :]
        if rows.dim() == 4 and self.class_token:
            rows = rows[:, :, :1]
        return rows.contiguous()


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


def clip_rate(cfg: ConfigDict, fps: Optional[float]) -> float:
    """Clips per second: what is given, else the config's, else that of its towers.

    Raises:
        ValueError: Neither says it.
    """
    rate: Any = fps
    if rate is None:
        rate = cfg.get('fps') or (cfg.get('feature_extractor') or {}).get('fps')
    if rate in (None, 'auto'):
        raise ValueError(f"the config's fps is {rate!r}: say how many clips a second")
    if not rate > 0:
        raise ValueError(f'fps is {rate}: want a positive number of clips a second')
    return float(rate)


def test_dataset(cfg: ConfigDict) -> dict:
    """The test set, empty if the config has none."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


def test_pipeline(cfg: ConfigDict) -> List[dict]:
    """The transforms of the test set, none if the config has no test set."""
    return test_dataset(cfg).get('pipeline', [])


def frame_source(extractor: ConfigDict, fps: float) -> FrameSource:
    """Which frames the tower of ``feature_extractor`` or ``motion_extractor`` sees.

    Args:
        extractor (ConfigDict): ``frame_size`` (pixels), and what else is not as usual
            of ``sampling``, ``clip_frames``, ``clip_rate``, see :class:`FrameSource`.
        fps (float): Clips per second.
    """
    options = ('sampling', 'clip_frames', 'clip_rate')
    given = {name: extractor[name] for name in options if name in extractor}
    return FrameSource(extractor.frame_size, fps, **given)


def loader_slice(cfg: ConfigDict) -> Slice:
    """What of a tower's layers and tokens the test set loads."""
    for step in test_pipeline(cfg):
        if step['type'] == 'LoadStoredFeatures':
            return Slice(step.get('num_layers'), step.get('class_token', False))
    return Slice()


def reads_tokens(cfg: ConfigDict) -> bool:
    """Whether the model has a text tower of its own, which reads token ids."""
    return any(step.get('query_key') == 'token_ids' for step in test_pipeline(cfg))


def reads_motion(cfg: ConfigDict) -> bool:
    """Whether the model reads motion features beside those of its vision tower."""
    return any(step.get('motion_key') for step in test_pipeline(cfg))


def check_loader(cfg: ConfigDict) -> None:
    """Refuse a config that reads more than its towers say of a video.

    Raises:
        ValueError: It changes stored features when it loads them, or reads motion of
            which it does not say where it comes from.
    """
    changes = ('normalize', 'temporal_endpoints', 'cut_clips', 'max_words')
    for step in test_pipeline(cfg):
        asked = [name for name in changes if step.get(name)]
        if step['type'] == 'LoadStoredFeatures' and asked:
            raise ValueError(
                f'the config loads stored features with {", ".join(asked)}, which the '
                'inferencer does not know how to do for a video'
            )
    if reads_motion(cfg) and not cfg.get('motion_extractor'):
        raise ValueError(
            'the model reads motion features beside the tower, and the config does not '
            'say which tower makes them of a video: add a motion_extractor '
            '(configs/_base_/models/tiny_slowfast_motion.py)'
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
