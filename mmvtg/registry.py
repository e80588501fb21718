"""Registries of mmvtg, children of mmengine's.

The scope is ``mmvtg``. A config with ``default_scope = 'mmvtg'`` names our parts
plainly, and those of the siblings with their scope: ``mmaction.ResNet3dSlowFast``,
``mmengine.EMAHook``. Each registry knows the packages in ``locations`` and imports them
when the first of its parts is asked for, so no ``custom_imports`` is needed.
"""

import difflib
import importlib
from typing import Any, Dict

from mmengine import registry as _root
from mmengine.registry import DefaultScope, Registry

from .part_arguments import check_arguments


def explain_unknown(name: str, *registries: Registry) -> str:
    """Say that a name is in none of the registries, and which ones are near it."""
    known: Dict[str, Any] = {}
    for registry in registries:
        known.update(
            getattr(registry.parent, 'module_dict', {}), **registry.module_dict
        )
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f'; did you mean {" or ".join(near)}?' if near else '.'
    kinds = ' or '.join(registry.name for registry in registries)
    return (
        f'type={name!r} is no {kinds} that mmvtg or mmengine knows{hint} Parts of '
        'siblings are written with their scope, as in "mmaction.BMN".'
    )


def resolve(kind: Any, registry: Registry) -> Any:
    """Return the class that a ``type`` stands for, None if the registry lacks it.

    Args:
        kind (str | type | None): Name in the registry, import path, or the class, as
            configs with ``read_base()`` have it.
        registry (Registry): Registry of the part.
    """
    return registry.get(kind) if isinstance(kind, str) else kind


def is_kind(config: Any, wanted: type | tuple[type, ...], registry: Registry) -> bool:
    """Return True if a config builds ``wanted`` (or one of them), or a subclass."""
    kind = resolve(config.get('type'), registry)
    return isinstance(kind, type) and issubclass(kind, wanted)


def _build(cfg: Any, *args: Any, registry: Registry, **kwargs: Any) -> Any:
    """Build as the parent registry does; misspelt names get near ones to pick.

    Raises:
        KeyError: If the registry lacks the type.
        ConfigError: If the part does not take an argument.
    """
    name = cfg.get('type') if isinstance(cfg, dict) else None
    part = resolve(name, registry)
    if isinstance(name, str) and part is None:
        raise KeyError(explain_unknown(name, registry))
    if callable(part) and '_scope_' not in cfg:
        check_arguments(part, cfg)
    return registry.parent.build_func(cfg, *args, registry=registry, **kwargs)


def _child(name: str, parent: Registry, *locations: str) -> Registry:
    return Registry(
        name,
        build_func=_build,
        parent=parent,
        scope='mmvtg',
        locations=[f'mmvtg.{location}' for location in locations],
    )


#: Towers, tower hooks, necks, heads, losses, grounders, data preprocessors.
MODELS = _child('model', _root.MODELS, 'models')
#: Point generators, target assigners, matchers, post-processors.
TASK_UTILS = _child('task util', _root.TASK_UTILS, 'models')
DATASETS = _child('dataset', _root.DATASETS, 'datasets')
DATA_SAMPLERS = _child('data sampler', _root.DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child('transform', _root.TRANSFORMS, 'datasets.transforms')
METRICS = _child('metric', _root.METRICS, 'evaluation.metrics')
EVALUATOR = _child('evaluator', _root.EVALUATOR, 'evaluation.metrics')
HOOKS = _child('hook', _root.HOOKS, 'engine', 'visualization')
LOOPS = _child('loop', _root.LOOPS, 'engine')
#: Without parts of ours: mmengine warns at each start if a scope lacks one.
LOG_PROCESSORS = _child('log processor', _root.LOG_PROCESSORS, 'engine')
RUNNERS = _child('runner', _root.RUNNERS, 'engine')
OPTIMIZERS = _child('optimizer', _root.OPTIMIZERS, 'engine')
OPTIM_WRAPPERS = _child('optim wrapper', _root.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optim wrapper constructor', _root.OPTIM_WRAPPER_CONSTRUCTORS, 'engine'
)
PARAM_SCHEDULERS = _child('param scheduler', _root.PARAM_SCHEDULERS, 'engine')
MODEL_WRAPPERS = _child('model wrapper', _root.MODEL_WRAPPERS, 'models')
VISUALIZERS = _child('visualizer', _root.VISUALIZERS, 'visualization')
VISBACKENDS = _child('visualizer backend', _root.VISBACKENDS, 'visualization')
INFERENCERS = _child('inferencer', _root.INFERENCERS, 'apis')


def register_all_modules(init_default_scope: bool = True) -> None:
    """Import every part of mmvtg, so that each registry is complete.

    Only code that builds parts without a Runner needs this.

    Args:
        init_default_scope (bool): Also make ``mmvtg`` the scope in which plain names
            are looked up.
    """
    for package in (
        'apis',
        'datasets',
        'engine',
        'evaluation',
        'models',
        'visualization',
    ):
        importlib.import_module(f'mmvtg.{package}')
    if not init_default_scope:
        return
    scope = DefaultScope.get_current_instance()
    if scope is None or scope.scope_name != 'mmvtg':
        DefaultScope.get_instance(f'mmvtg-{id(scope)}', scope_name='mmvtg')
