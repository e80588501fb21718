"""Find misspelt names of parts in a config before anything is built.

mmengine's Runner builds the outer parts through mmengine's own registries, whose error
neither says where in the config a name is nor which names are near.
"""

from typing import Any

import mmengine.runner  # noqa: F401 registers the parts of mmengine
from mmengine import registry as _root
from mmengine.config import Config

from mmvtg import registry as ours
from mmvtg.registry import explain_unknown

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


def _known(name: str, registries: tuple) -> bool:
    return any(registry.get(name) is not None for registry in registries)


def _check(node: Any, path: str, wanted: tuple, in_model: bool) -> None:
    """Check a value of the config and all that it holds.

    Args:
        node: Value of the config.
        path (str): Where it is, as ``model.neck``.
        wanted (tuple): Registries of which one must know its ``type``; empty if any
            ``type`` will do.
        in_model (bool): Whether what it holds is checked against the same registries.
    """
    if isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            _check(value, f'{path}[{index}]', wanted, in_model)
    if not isinstance(node, dict):
        return
    name = node.get('type')
    if '_scope_' in node or (isinstance(name, str) and '.' in name):
        return  # of a sibling, whose names are not ours to check
    if isinstance(name, str) and wanted and not _known(name, wanted):
        raise ValueError(f'{path}.type: {explain_unknown(name, *wanted)}')
    # a dict without type may group parts under names that say nothing of their kind:
    # default_hooks.param_scheduler is a hook
    rest = wanted if in_model or name is None else ()
    named = in_model or path == 'default_hooks'
    for key, value in node.items():
        below = rest if named else _ROLES.get(key, rest)
        _check(value, f'{path}.{key}', below, in_model)


def check_types(cfg: Config) -> None:
    """Check every plain ``type`` that the sections of a config build parts from.

    Names with a scope and classes are left to the registries, and so are configs of
    another ``default_scope``. Within ``model`` every ``type`` counts as a part, so an
    option of a part must not be called ``type``.

    Args:
        cfg (Config): The config, with its custom imports done.

    Raises:
        ValueError: A ``type`` is unknown; says where it is and which names are near.
    """
    if cfg.get('default_scope') != 'mmvtg':
        return
    for key, section in cfg.items():
        if key in _MODELS:
            _check(section, key, _MODEL_PARTS, in_model=True)
        elif key in _ROLES:
            _check(section, key, _ROLES[key], in_model=False)
