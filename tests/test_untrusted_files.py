"""No reader of the project can run what is in a file, and nothing unpacks archives."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [
    path
    for folder in ('mmvtg', 'tools', 'demo', 'docs', 'configs')
    for path in sorted((ROOT / folder).rglob('*.py'))
]
#: Calls that run what they read, or write where an archive says.
REFUSED = {
    *('eval', 'exec', '__import__', 'os.system', 'os.popen'),
    *('torch.jit.load', 'pickle.load', 'pickle.loads', 'pickle.Unpickler'),
    *('marshal.loads', 'shelve.open', 'joblib.load', 'dill.load'),
    *('yaml.load', 'yaml.unsafe_load', 'yaml.full_load', 'mmengine.load'),
    *('fileio.load', 'Config.fromstring', 'shutil.unpack_archive', 'tarfile.open'),
    *('np.fromregex', 'torch.hub.load'),
}
#: Arguments that switch a safety off.
UNSAFE = {'weights_only': False, 'allow_pickle': True, 'shell': True}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported_loads(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.ImportFrom) and node.module in (
            *('mmengine', 'mmengine.fileio', 'pickle', 'yaml', 'torch.jit'),
        ):
            names = {alias.name for alias in node.names}
            yield from names & {'load', 'loads', 'Unpickler', 'unsafe_load'}


@pytest.mark.parametrize('folder', ['mmvtg', 'tools', 'demo', 'docs', 'configs'])
def test_no_call_runs_what_it_reads(folder):
    found = []
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] != folder:
            continue
        for name, call in calls(path):
            options = {k.arg: k.value for k in call.keywords}
            unsafe = [
                key
                for key, bad in UNSAFE.items()
                if isinstance(options.get(key), ast.Constant)
                and options[key].value is bad
            ]
            plain = name == 'torch.load' and 'weights_only' not in options
            method = name.rpartition('.')[2]
            archive = method in ('extractall', 'extract') and '.' in name
            if name in REFUSED or unsafe or plain or archive:
                found.append(f'{path.relative_to(ROOT)}:{call.lineno}: {name}')
        found += [f'{path.relative_to(ROOT)}: {name}' for name in imported_loads(path)]
    assert not found, found
