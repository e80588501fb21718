"""Fields of a config that mmengine's Runner reads itself, and checks of their names."""

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.runner import (
    EpochBasedTrainLoop,
    IterBasedTrainLoop,
    LogProcessor,
    Runner,
    TestLoop,
    ValLoop,
)
from torch.utils.data import DataLoader

from mmvtg.part_arguments import ConfigError, argument_names, nearest

_LOADER = {'dataset', 'collate_fn', 'num_batch_per_epoch', 'disable_subprocess_warning'}
#: Fields of mmvtg, and fields that the Runner reads besides its arguments.
_MORE = {
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'encoding',
    'extra_ann_files',
    'find_unused_parameters',
    'fps',
    'model_wrapper_cfg',
    'num_trials',
    'runner_type',
    'setting',
    'split',
    'sync_bn',
    'train_encoding',
    'window',
}


def _names(*parts: Any) -> set[str]:
    return set().union(*(argument_names(part) or () for part in parts))


def _runner_fields() -> set[str]:
    return set(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'}


@cache
def _group_fields() -> dict[str, set[str]]:
    """Return the fields of each section that has no ``type``."""
    loader = _names(DataLoader) | _LOADER
    wrapper = _names(OptimWrapper) | {'constructor', 'paramwise_cfg'}
    return dict(
        train_dataloader=loader,
        val_dataloader=loader,
        test_dataloader=loader,
        train_cfg=_names(EpochBasedTrainLoop, IterBasedTrainLoop) | {'by_epoch'},
        val_cfg=_names(ValLoop),
        test_cfg=_names(TestLoop),
        optim_wrapper=wrapper,
        log_processor=_names(LogProcessor),
        randomness=_names(Runner.set_randomness) - {'self'},
        auto_scale_lr={'enable', 'base_batch_size'},
        env_cfg={'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
    )


def check_group(name: str, section: Any) -> None:
    """Check the keys of a section that mmengine reads without a ``type``.

    Raises:
        ConfigError: If a key is unknown; the message has the nearest names.
    """
    known = _group_fields().get(name)
    if known is None or not isinstance(section, Mapping) or 'type' in section:
        return
    if 'constructor' in section:  # which may read keys of its own
        return
    for key in section:
        if key not in known and key not in ('_scope_', '_delete_'):
            raise ConfigError(f'{name} has no field {key!r}{nearest(key, known)}')


def check_option_names(cfg: Config, options: Iterable[str]) -> None:
    """Check the first part of ``--cfg-options``, such as ``visualizer`` of
    ``visualizer.type``.

    A config may define any variable. Options with other names, and options for
    variables that only other fields of the config file use, would change nothing.

    Args:
        cfg (Config): Config without the options.
        options (Iterable[str]): Names of options, with dots.

    Raises:
        ConfigError: If no tool reads a field of this name.
    """
    known = _runner_fields() | _MORE
    for option in options:
        name = option.partition('.')[0]
        if name in known:
            continue
        places = [
            path
            for path in _paths(cfg._cfg_dict)
            if path != name and path.rpartition('.')[2] == name
        ]
        if name in cfg:
            raise ConfigError(
                f'--cfg-options {option}: {name} is a variable, which the config file '
                f'has already used; change the fields with its value instead'
                f'{": " if places else ""}{", ".join(places[:6])}'
            )
        hint = f'; did you mean {" or ".join(places[:3])}?' if places else ''
        raise ConfigError(
            f'--cfg-options {option}: there is no field {name!r}'
            f'{hint or nearest(name, {*cfg, *known})}'
        )


def _paths(node: Any, path: str = '') -> Iterable[str]:
    """Yield the paths of all values in nested dicts, as ``model.neck``."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            here = f'{path}.{key}' if path else str(key)
            yield here
            yield from _paths(value, here)
