"""Find misspelt names of parts and arguments in a config before anything is built.

mmengine's Runner builds the outer parts through mmengine's own registries, whose error
neither says where in the config a name is nor which names are near.
"""

from collections.abc import Iterable
from typing import Any

import mmengine.runner  # noqa: F401 registers the parts of mmengine
from mmengine import registry as _root
from mmengine.config import Config

from mmvtg import registry as ours
from mmvtg.part_arguments import ConfigError, nearest, unknown_argument
from mmvtg.registry import explain_unknown, resolve

from .config_groups import check_group

#: What is built from the value under each key; () for a group of other keys.
_ROLES = dict(
    train_dataloader=(),
    val_dataloader=(),
    test_dataloader=(),
    dataset=(ours.DATASETS,),
    datasets=(ours.DATASETS,),
    sampler=(ours.DATA_SAMPLERS,),
    batch_sampler=(ours.DATA_SAMPLERS,),
    collate_fn=(_root.FUNCTIONS,),
    pipeline=(ours.TRANSFORMS,),
    transforms=(ours.TRANSFORMS,),
    val_evaluator=(ours.METRICS, ours.EVALUATOR),
    test_evaluator=(ours.METRICS, ours.EVALUATOR),
    metrics=(ours.METRICS,),
    default_hooks=(ours.HOOKS,),
    custom_hooks=(ours.HOOKS,),
    optim_wrapper=(ours.OPTIM_WRAPPERS,),
    optimizer=(ours.OPTIMIZERS,),
    clip_grad=(),  # its `type` is "norm" or "value"
    param_scheduler=(ours.PARAM_SCHEDULERS,),
    visualizer=(ours.VISUALIZERS,),
    vis_backends=(ours.VISBACKENDS,),
    train_cfg=(ours.LOOPS,),
    val_cfg=(ours.LOOPS,),
    test_cfg=(ours.LOOPS,),
    log_processor=(_root.LOG_PROCESSORS,),
    model_wrapper_cfg=(ours.MODEL_WRAPPERS,),
)
#: In these sections every `type` is a part, under keys that only its owner knows.
_MODELS = ('model', 'encoding')
_MODEL_PARTS = (ours.MODELS, ours.TASK_UTILS, _root.WEIGHT_INITIALIZERS)
#: Keys that mmengine takes out of a config before it builds the part, by the role.
_READ_BEFORE = dict(
    custom_hooks=('priority',),
    default_hooks=('priority',),
    init_cfg=('override',),
    optim_wrapper=('constructor', 'paramwise_cfg'),
    param_scheduler=('convert_to_iter_based',),
    vis_backends=('name',),
)


def _find(kind: Any, registries: tuple) -> Any:
    """Return the part that a ``type`` stands for, None if no registry has it."""
    found = (resolve(kind, registry) for registry in registries)
    return next((part for part in found if part is not None), None)


def _check(
    node: Any, path: str, wanted: tuple, in_model: bool, more: Iterable[str] = ()
) -> None:
    """Check a value of the config and all that it holds.

    Args:
        node: Value of the config.
        path (str): Where it is, as ``model.neck``.
        wanted (tuple): Registries of which one must know its ``type``; empty if any
            ``type`` will do.
        in_model (bool): Whether what it holds is checked against the same registries.
        more (Iterable[str]): Keys besides the arguments of the part.
    """
    if isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            _check(value, f'{path}[{index}]', wanted, in_model, more)
    if not isinstance(node, dict):
        return
    name = node.get('type')
    if '_scope_' in node or (isinstance(name, str) and '.' in name):
        return  # of a sibling, whose names are not ours to check
    if name is not None and wanted:
        _check_part(node, path, wanted, more)
    # a dict without type may group parts under names that say nothing of their kind:
    # default_hooks.param_scheduler is a hook
    if path == 'default_hooks':
        _check_hooks(node)
    rest = wanted if in_model or name is None else ()
    named = in_model or path == 'default_hooks'
    for key, value in node.items():
        below = rest if named else _ROLES.get(key, rest)
        extra = _READ_BEFORE.get(key, more if name is None else ())
        _check(value, f'{path}.{key}', below, in_model, extra)


def _check_hooks(hooks: dict) -> None:
    """Check that each hook of ``default_hooks`` has a type.

    Raises:
        ConfigError: If one has no type, because its name is misspelt.
    """
    known = [name for name, hook in hooks.items() if 'type' in (hook or ())]
    for name, hook in hooks.items():
        if isinstance(hook, dict) and 'type' not in hook:
            raise ConfigError(f'default_hooks.{name} has no type{nearest(name, known)}')


def _check_part(node: dict, path: str, wanted: tuple, more: Iterable[str]) -> None:
    """Check the type and the arguments of one part.

    Raises:
        ConfigError: If a name is unknown.
    """
    name = node['type']
    part = _find(name, wanted)
    if part is None:
        raise ConfigError(f'{path}.type: {explain_unknown(name, *wanted)}')
    message = unknown_argument(part, node, more)
    if message is not None:
        raise ConfigError(f'{path}: {message}')


def check_parts(cfg: Config) -> None:
    """Check the parts that the sections of a config describe: types and arguments.

    Names with a scope and classes are left to the registries, and so are configs of
    another ``default_scope``. Within ``model`` every ``type`` counts as a part, so an
    option of a part must not be called ``type``.

    Args:
        cfg (Config): The config, with its custom imports done.

    Raises:
        ConfigError: If a ``type`` or an argument is unknown; the message has its place
            and the nearest names.
    """
    if cfg.get('default_scope') != 'mmvtg':
        return
    for key, section in cfg.items():
        check_group(key, section)
        if key in _MODELS:
            _check(section, key, _MODEL_PARTS, in_model=True)
        elif key in _ROLES:
            more = _READ_BEFORE.get(key, ())
            _check(section, key, _ROLES[key], in_model=False, more=more)
