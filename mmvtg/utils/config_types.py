"""One spelling of the types in a config: the registered name."""

from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import Registry
from mmengine.utils import get_object_from_string

from mmvtg import registry as ours

_REGISTRIES = [one for one in vars(ours).values() if isinstance(one, Registry)]


def plain_types(cfg: Config | ConfigDict) -> None:
    """Replace every ``type`` in a config by the plain name of its part.

    Configs with ``read_base()`` have classes as types, and those that mmengine dumped
    have import paths. Types of other packages stay as they are.

    Args:
        cfg (Config | ConfigDict): Changed in place.
    """
    _replace(cfg._cfg_dict if isinstance(cfg, Config) else cfg)


def _plain_name(part: Any) -> str | None:
    """Return the name of a class or function in a registry, None if there is none."""
    for registry in _REGISTRIES:
        for known in (registry, registry.parent):
            for name, registered in known.module_dict.items():
                if registered is part:
                    return name
    return None


def _replace(node: Any) -> None:
    if isinstance(node, (list, tuple)):
        for value in node:
            _replace(value)
    if not isinstance(node, dict):
        return
    kind = node.get('type')
    if kind is not None:
        node['type'] = _plain_type(kind)
    for value in list(node.values()):
        _replace(value)


def _plain_type(kind: Any) -> Any:
    """Return the plain name for a type, or the type itself if it has no such name."""
    part = kind
    if isinstance(kind, str):
        scope, _, name = kind.partition('.')
        if scope not in ('mmvtg', 'mmengine') or not name:
            return kind
        if '.' not in name:
            return name if scope == 'mmvtg' else kind
        part = get_object_from_string(kind)
    return (None if part is None else _plain_name(part)) or kind
