"""Names of the arguments that registered parts take; nearest names of misspelt ones."""

import inspect
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

#: Packages whose ``**kwargs`` go to the next ``__init__`` of the class hierarchy.
_FORWARDING = ('mmvtg', 'mmengine', 'torch')
#: Keys that mmengine reads from the config of a part before it builds the part.
_CONFIG_KEYS = {'type', '_scope_', '_delete_'}


class ConfigError(ValueError):
    """A config names an unknown field or part; the message has the nearest names."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean a or b?"`` for a misspelt name, or the known names."""
    names = sorted(set(known))
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f'; did you mean {" or ".join(near)}?'
    return f'; known are {", ".join(names[:20])}' if names else ''


def argument_names(part: Any) -> set[str] | None:
    """Return the names of all arguments of a class or function.

    The ``**kwargs`` of a class of mmvtg, mmengine or torch count as the arguments of
    its base class.

    Returns:
        set[str] | None: Names; None if the part takes any name, or if Python cannot
        tell the names.
    """
    names: set[str] = set()
    for function in _initializers(part):
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return None
        kinds = {one.kind: one.name for one in parameters}
        names.update(
            one.name
            for one in parameters
            if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        )
        rest = kinds.get(inspect.Parameter.VAR_KEYWORD)
        if rest is None:
            return names - {'self'}
        if getattr(function, '__qualname__', '') == 'CheckpointHook.__init__':
            from mmengine.runner import Runner  # Late: it takes seconds.

            function = Runner.save_checkpoint  # Gets all further arguments.
            return (names | set(inspect.signature(function).parameters)) - {'self'}
        package = (getattr(function, '__module__', None) or '').partition('.')[0]
        if rest != 'kwargs' or package not in _FORWARDING:
            return None
    return None


def _initializers(part: Any) -> list[Any]:
    """Return a function, or the ``__init__`` of a class and of its bases, in order."""
    if not inspect.isclass(part):
        return [part]
    own = [vars(kind).get('__init__') for kind in part.__mro__ if kind is not object]
    return [function for function in own if function is not None] or [lambda self: None]


def unknown_argument(
    part: Any, given: Iterable[str], more: Iterable[str] = ()
) -> str | None:
    """Return the message about the first argument that a part does not take.

    Args:
        part (type | callable): Class or function to build.
        given (Iterable[str]): Keys of its config.
        more (Iterable[str]): Keys that the builder of the part reads itself.

    Returns:
        str | None: Message without the path of the config; None if all are known.
    """
    known = argument_names(part)
    if known is None:
        return None
    known = known | set(more)
    for name in given:
        if name not in known and name not in _CONFIG_KEYS:
            title = getattr(part, '__name__', str(part))
            return f'{title} has no argument {name!r}{nearest(name, known)}'
    return None


def check_arguments(part: Any, config: Mapping[str, Any]) -> None:
    """Refuse a config with an argument that its part does not take.

    Raises:
        ConfigError: If an argument is unknown; the message has the nearest names.
    """
    message = unknown_argument(part, config)
    if message is not None:
        raise ConfigError(message)
