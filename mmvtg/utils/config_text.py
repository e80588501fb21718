"""Configs in checkpoints: text that is parsed, and never run.

mmengine writes the config of a training into its checkpoints, and runs this text as
Python to read it back. A checkpoint from elsewhere may hold any text.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import mmengine.registry
from mmengine.config import Config
from mmengine.registry import Registry

from .tensor_files import CheckpointError

#: Scopes of the packages that mmvtg uses; parts of these may be named.
_SCOPES = ('mmvtg', 'mmengine', 'mmaction')


def parse_config(text: str) -> Config:
    """Return the config that a text of assignments describes.

    Args:
        text (str): Lines such as ``model = dict(type='VideoGrounder', ...)``, as in
            ``Config.pretty_text``. Values are literals, and calls of ``dict``.

    Raises:
        CheckpointError: If the text holds anything else, or names a ``type`` that is
            no registered part; mmengine would import and call it.
    """
    try:
        statements = ast.parse(text).body
        fields = dict(map(_assignment, statements))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise CheckpointError(
            f'the config in the checkpoint is not plain data ({reason}); it is not '
            'run. Name the config file'
        ) from None
    _check_types(fields)
    try:
        return Config(fields)
    except KeyError as error:  # a name that mmengine keeps for itself
        raise CheckpointError(
            f'the config in the checkpoint: {error.args[0]}'
        ) from None


def _assignment(node: ast.stmt) -> tuple[str, Any]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        (target,) = node.targets
        if isinstance(target, ast.Name):
            return target.id, _value(node.value)
    raise ValueError(_refusal(node))


def _value(node: ast.expr | None) -> Any:
    """Return the value of a literal."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name('inf' | 'nan' as name):  # as Python prints these numbers
            return float(name)
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.List(items):
            return [_value(item) for item in items]
        case ast.Tuple(items):
            return tuple(_value(item) for item in items)
        case ast.Set(items):
            return {_value(item) for item in items}
        case ast.Dict(keys, values):
            return {_value(key): _value(one) for key, one in zip(keys, values)}
        case ast.Call(ast.Name('dict'), arguments, fields) if len(arguments) < 2:
            given = [_value(argument) for argument in arguments]
            return dict(*given, **{_name(one): _value(one.value) for one in fields})
        case ast.Call(ast.Name('set'), [], []):
            return set()
    raise ValueError(_refusal(node))


def _name(field: ast.keyword) -> str:
    if field.arg is None:
        raise ValueError(_refusal(field.value))
    return field.arg


def _refusal(node: ast.AST | None) -> str:
    if node is None:
        return 'a dict unpacks another one'
    return f'line {getattr(node, "lineno", "?")}: {ast.unparse(node)[:60]!r}'


def _check_types(fields: dict[str, Any]) -> None:
    """Refuse names that mmengine would import because no registry has them."""
    named = [(path, name) for path, name in _names_in(fields, '') if name]
    scopes = {name.partition('.')[0] for _, name in named} & set(_SCOPES)
    parts = _registered(scopes)
    for path, name in named:
        if not _is_part(name, parts) and _can_import(name):
            raise CheckpointError(
                f'the config in the checkpoint has {path}={name!r}, which is no '
                'registered part; nothing that a checkpoint names is imported. Name '
                'the config file, or import the module of your part first'
            )


def _names_in(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the value of each ``type`` and ``_scope_``."""
    if isinstance(value, dict):
        for key, one in value.items():
            below = f'{path}.{key}' if path else str(key)
            if key == '_scope_' and one not in _SCOPES:
                yield below, f'{one}.registry'
            elif key == 'type' and isinstance(one, str):
                yield below, one
            yield from _names_in(one, below)
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            yield from _names_in(one, f'{path}[{index}]')


def _registered(scopes: set[str]) -> dict[str, Any]:
    """Return all registered parts by name, with and without their scope."""
    if 'mmaction' in scopes:
        importlib.import_module('mmaction.registry')
    roots = [x for x in vars(mmengine.registry).values() if isinstance(x, Registry)]
    parts: dict[str, Any] = {}
    for root in roots:
        for registry in (root, *root.children.values()):
            if registry.scope in scopes or registry.scope == 'mmvtg':
                with suppress(ImportError):  # mmaction2 names folders it does not have
                    registry.import_from_location()
            for name, part in registry.module_dict.items():
                parts[f'{registry.scope}.{name}'] = part
                if registry.scope in ('mmengine', 'mmvtg'):
                    parts[name] = part
    return parts


def _is_part(name: str, parts: dict[str, Any]) -> bool:
    if name in parts:
        return True
    # Configs with classes as types are dumped with their full names.
    module, _, attribute = name.rpartition('.')
    found = getattr(sys.modules.get(module), attribute, None)
    return found is not None and any(found is part for part in parts.values())


def _can_import(name: str) -> bool:
    if '.' in name:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # a module without a specification is loaded already
        return True
