"""What differs between two configs once everything they inherit is resolved.

    python tools/analysis_tools/compare_configs.py A.py B.py
    python tools/analysis_tools/compare_configs.py A.py B.py --only model optim_wrapper
    python tools/analysis_tools/compare_configs.py A.py work_dirs/run/A.py --print json

Lists of parts with a ``type`` (pipelines, hooks) are compared part by part: a step that
was put in does not make all steps behind it look changed. The exit status is 0 if the
configs say the same, 1 if they differ, 2 if one cannot be read.
"""

import argparse
import difflib
import json
import logging
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from mmengine.config import Config, ConfigDict

from mmvtg.utils.launch import ConfigOptions
from mmvtg.utils.tool_main import tool_main

_COLOURS = {'added': '32', 'removed': '31', 'changed': '33'}
_SIGNS = {'added': '+', 'removed': '-', 'changed': '~'}


class Difference(NamedTuple):
    """One value that differs.

    Args:
        kind (str): 'added' (B alone has it), 'removed' (A alone) or 'changed'.
        path (str): Where, as ``model.neck.num_steps`` or ``pipeline[LoadText]``.
        a: Value in A, None where it has none.
        b: Value in B, likewise.
    """

    kind: str
    path: str
    a: Any
    b: Any


def differences(a: Any, b: Any, path: str = '') -> Iterator[Difference]:
    """Everything that differs between two values of configs, in their order.

    Args:
        a: Value of A: dicts, lists, tuples and plain values.
        b: Value of B.
        path (str): Where they are.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        yield from _dict_differences(a, b, path)
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        yield from _list_differences(list(a), list(b), path)
    elif type(a) is not type(b) or a != b:
        yield Difference('changed', path, a, b)


def _dict_differences(a: dict, b: dict, path: str) -> Iterator[Difference]:
    for key in [*a, *(key for key in b if key not in a)]:
        below = f'{path}.{key}' if path else str(key)
        if key not in b:
            yield Difference('removed', below, a[key], None)
        elif key not in a:
            yield Difference('added', below, None, b[key])
        else:
            yield from differences(a[key], b[key], below)


def _list_differences(a: list, b: list, path: str) -> Iterator[Difference]:
    """Parts are paired by their types, other values are compared as one list."""
    if not all(isinstance(item, dict) and 'type' in item for item in [*a, *b]):
        if a != b:
            yield Difference('changed', path, a, b)
        return
    names = [[_name(item['type']) for item in items] for items in (a, b)]
    matcher = difflib.SequenceMatcher(None, *names, autojunk=False)
    for step, a1, a2, b1, b2 in matcher.get_opcodes():
        if step == 'equal':
            for i, j in zip(range(a1, a2), range(b1, b2)):
                yield from differences(a[i], b[j], f'{path}[{names[0][i]}]')
            continue
        for i in range(a1, a2):
            yield Difference('removed', f'{path}[{names[0][i]}]', a[i], None)
        for j in range(b1, b2):
            yield Difference('added', f'{path}[{names[1][j]}]', None, b[j])


def _name(kind: Any) -> str:
    return kind if isinstance(kind, str) else getattr(kind, '__name__', repr(kind))


def plain(value: Any) -> Any:
    """Dicts, lists and values that JSON knows; classes become their names."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return _name(value)


def show(difference: Difference, colour: bool) -> str:
    """One line of text, or several where a whole part came or went."""
    kind, path, a, b = difference
    shown = {'added': [b], 'removed': [a], 'changed': [a, b]}[kind]
    values = ' -> '.join(json.dumps(plain(value)) for value in shown)
    line = f'{_SIGNS[kind]} {path}: {values}'
    return f'\033[{_COLOURS[kind]}m{line}\033[0m' if colour else line


def read(path: str, options: Optional[dict], only: List[str]) -> Dict[str, Any]:
    """The resolved sections of a config.

    Raises:
        OSError, SyntaxError, KeyError, ...: As mmengine's reader.
    """
    logging.disable(logging.INFO)  # mmengine tells of variables, on stdout
    try:
        cfg = Config.fromfile(path)
    finally:
        logging.disable(logging.NOTSET)
    cfg.merge_from_dict(options or {})
    content: ConfigDict = cfg._cfg_dict
    return {k: v for k, v in content.to_dict().items() if not only or k in only}


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('a', metavar='A', help='config file')
    parser.add_argument('b', metavar='B', help='config file')
    parser.add_argument('--only', nargs='+', default=[], help='sections to compare')
    parser.add_argument('--print', choices=('text', 'json'), default='text')
    parser.add_argument('--colour', choices=('auto', 'always', 'never'), default='auto')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, help='override fields of both'
    )
    return parser.parse_args(argv)


@tool_main()
def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    configs = []
    for path in (args.a, args.b):
        try:
            configs.append(read(path, args.cfg_options, args.only))
        except Exception as error:  # a config is a program: anything can go wrong
            print(f'error: {path}: {type(error).__name__}: {error}', file=sys.stderr)
            return 2
    found = list(differences(*configs))
    if args.print == 'json':
        rows = [{k: plain(v) for k, v in row._asdict().items()} for row in found]
        print(json.dumps(rows, indent=1))
        return int(bool(found))
    colour = args.colour == 'always' or (args.colour == 'auto' and sys.stdout.isatty())
    for difference in found:
        print(show(difference, colour))
    if not found:
        print('the configs say the same')
    return int(bool(found))


if __name__ == '__main__':
    sys.exit(main())
