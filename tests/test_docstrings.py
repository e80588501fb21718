"""Docstrings of the public API say shapes where arrays go in or come out.

That there is one, and that it names arguments and errors, is ruff's task, see
pyproject.toml. Here stands what it cannot tell: inherited docstrings, and shapes.
"""

import importlib
import inspect
import re

import pytest
from mmengine.registry import Registry

import mmvtg.registry as ours

#: (B, T, C), (N, 2), (..., 2), (T,), (Q, K)
SHAPE = re.compile(
    r"\((?:\.\.\.|\d+|[A-Z][\w']*)(?:[ ,*+/-]+(?:\.\.\.|\d+|[\w']+))*,?\)|\(n,\)"
)
#: A docstring may name the one that has the shapes.
REFERENCE = re.compile(r':(?:class|meth|func):`')
ARRAYS = re.compile(r'Tensor|ndarray')
PACKAGES = ('mmvtg.apis', 'mmvtg.structures', 'mmvtg.evaluation.functional')


def components():
    registries = [part for part in vars(ours).values() if isinstance(part, Registry)]
    ours.register_all_modules()
    found = {part for registry in registries for part in registry.module_dict.values()}
    found = {p for p in found if inspect.isclass(p) and p.__module__[:5] == 'mmvtg'}
    return sorted(found, key=lambda part: part.__qualname__)


def public_api():
    for package in PACKAGES:
        module = importlib.import_module(package)
        parts = (getattr(module, name) for name in module.__all__)
        yield from (part for part in parts if hasattr(part, '__qualname__'))


def functions(part):
    """(name, function) of what a class defines itself, or of the function."""
    if inspect.isfunction(part):
        return [(part.__qualname__, part)]
    members = vars(part).items() if inspect.isclass(part) else ()
    return [
        (f'{part.__qualname__}.{name}', getattr(part, name))
        for name, member in members
        if inspect.isfunction(member) and (name[0] != '_' or name == '__call__')
    ]


def lacks_shape(function, *docs):
    annotations = ' '.join(map(str, function.__annotations__.values()))
    text = '\n'.join(filter(None, (inspect.getdoc(function), *docs)))
    return bool(ARRAYS.search(annotations)) and not (
        SHAPE.search(text) or REFERENCE.search(inspect.getdoc(function) or '')
    )


def without_shapes(part):
    return [name for name, one in functions(part) if lacks_shape(one, part.__doc__)]


@pytest.mark.parametrize('part', components(), ids=lambda part: part.__qualname__)
def test_components_are_described(part):
    assert part.__doc__, f'{part.__module__}.{part.__qualname__} has no docstring'
    silent = [
        name
        for name, function in functions(part)
        if not name.endswith(('.forward', '__call__')) and not inspect.getdoc(function)
    ]
    assert not silent, 'these methods have no docstring, and their bases none either'
    assert not without_shapes(part), 'say the shapes of tensors, as in (B, T, C)'


@pytest.mark.parametrize('part', public_api(), ids=lambda part: part.__qualname__)
def test_public_functions_say_shapes(part):
    assert not without_shapes(part), 'say the shapes of arrays, as in (B, T, C)'


def test_what_is_missing_is_found():
    def plain(scores: 'Tensor') -> None:  # noqa: F821
        """Look at scores."""

    def shaped(scores: 'Tensor') -> None:  # noqa: F821
        """Look at scores (B, T)."""

    assert lacks_shape(plain) and not lacks_shape(shaped)
    assert not lacks_shape(plain, 'scores (N,)')
