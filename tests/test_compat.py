"""Each mend: what it lets work, and what it must not let in."""

import importlib.machinery
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

import mmvtg.compat as compat
from mmvtg.registry import MODELS


class Harmful:
    """A pickle that runs code when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_torchvision_can_be_imported():
    import torchvision.transforms as transforms

    assert transforms.Resize(4)(torch.zeros(3, 8, 8)).shape == (3, 4, 4)


@pytest.mark.parametrize('fits', [True, False])
def test_torchvision_mend_is_made_only_where_operators_do_not_load(
    fits, monkeypatch, tmp_path
):
    def load(path):
        if not fits:
            raise OSError('undefined symbol')

    suffix = importlib.machinery.EXTENSION_SUFFIXES[-1]
    (tmp_path / f'_C{suffix}').touch()
    monkeypatch.setattr(torch.ops, 'load_library', load)
    assert compat._operators_load([str(tmp_path)]) is fits
    assert not compat._operators_load([str(tmp_path / 'no compiled operators')])


def test_a_start_without_models_imports_neither_torchvision_nor_open_clip():
    code = (
        'import sys, mmvtg.datasets, mmvtg.evaluation.metrics;'
        'assert not {"torchvision", "open_clip", "timm"} & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def test_what_mmengine_says_of_its_own_file_client_is_not_logged(tmp_path, capfd):
    from mmengine.fileio import FileClient

    FileClient.infer_client(None, str(tmp_path))
    assert 'deprecated' not in ''.join(capfd.readouterr())


def test_mmaction_models_build_and_the_missing_one_says_so():
    from mmaction.models.localizers import DRN

    tower = MODELS.build(dict(type='mmaction.ResNet', depth=18))
    assert sum(p.numel() for p in tower.parameters()) > 1e7
    with pytest.raises(ImportError, match='mmaction2 1.2.0'):
        DRN()


def test_mends_are_applied_once():
    first = compat.apply_mends()
    assert compat.apply_mends() == first
    assert set(first) == set(compat.MENDS)


def test_training_checkpoints_load_safely(tmp_path):
    history = HistoryBuffer([1.0, 2.0, 3.0], [1, 1, 1])
    state = dict(log=history, best=np.float64(3.5), array=np.arange(3))
    path = str(tmp_path / 'run.pth')
    torch.save(dict(message_hub=state, state_dict={'w': torch.ones(2)}), path)
    loaded = CheckpointLoader.load_checkpoint(path)
    hub = loaded['message_hub']
    assert hub['log'].mean() == 2.0
    assert hub['log'].current() == 3.0
    assert hub['best'] == 3.5
    assert hub['array'].tolist() == [0, 1, 2]


def test_a_harmful_checkpoint_is_refused_and_runs_nothing(tmp_path):
    trap, path = tmp_path / 'trap', str(tmp_path / 'bad.pth')
    torch.save(dict(state_dict={}, extra=Harmful(trap)), path)
    with pytest.raises(ValueError, match=r'bad\.pth cannot be loaded safely'):
        CheckpointLoader.load_checkpoint(path)
    assert not trap.exists()


def test_a_checkpoint_may_not_look_up_other_attributes():
    assert compat._getattr_of_history(HistoryBuffer, 'min') is HistoryBuffer.min
    for owner, name in [(HistoryBuffer, '__init__'), (os, 'system'), (str, 'join')]:
        with pytest.raises(RuntimeError, match='asked for the attribute'):
            compat._getattr_of_history(owner, name)


def test_damaged_and_missing_checkpoints_are_named(tmp_path):
    path = tmp_path / 'cut.pth'
    torch.save({'w': torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:500])
    assert not zipfile.is_zipfile(path)
    with pytest.raises(ValueError, match=r'cut\.pth cannot be loaded'):
        CheckpointLoader.load_checkpoint(str(path))
    with pytest.raises(FileNotFoundError, match='train first'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'absent.pth'))
    raw = tmp_path / 'raw.pth'
    raw.write_bytes(pickle.dumps({'a': object}))
    with pytest.raises(ValueError, match=r'raw\.pth'):
        CheckpointLoader.load_checkpoint(str(raw))


def test_selfcheck_passes_here():
    result = subprocess.run(
        [sys.executable, '-m', 'mmvtg.selfcheck'], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'everything is in place' in result.stdout
    assert 'torchvision beside CPU torch' in result.stdout


def test_selfcheck_names_what_is_missing_and_the_mend():
    from mmvtg.selfcheck import check_package

    fine, line = check_package('no_such_module>=1')
    assert not fine and 'MISSING' in line and 'pip install "no_such_module>=1"' in line
    for wrong in ('numpy>=900', 'numpy<1'):
        fine, line = check_package(wrong)
        assert not fine and f'is not {wrong[5:]}' in line
    assert check_package('numpy>=1')[0]
    assert check_package('no_such_module; python_version < "3"')[0]


def run_without(package: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run Python where a package cannot be imported."""
    code = (
        'import runpy, sys\n'
        'class Block:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        f'        if name.split(".")[0] == {package!r}:\n'
        '            text = f"No module named {name!r}"\n'
        '            raise ModuleNotFoundError(text, name=name)\n'
        'sys.meta_path.insert(0, Block())\n'
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, 'sitecustomize.py').write_text(code)
        paths = [folder, str(Path(__file__).parents[1])]
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(paths)),
        )


@pytest.mark.parametrize('package', ['mmengine', 'torch', 'numpy', 'packaging'])
def test_selfcheck_runs_where_a_package_is_missing(package):
    result = run_without(package, '-m', 'mmvtg.selfcheck')
    assert result.returncode == 1
    assert 'Traceback' not in result.stderr
    lines = [line for line in result.stdout.splitlines() if f'BAD {package} ' in line]
    assert len(lines) == 1
    assert 'MISSING' in lines[0] and f'Mend: pip install "{package}' in lines[0]
    assert 'see the lines marked BAD' in result.stdout


@pytest.mark.parametrize('package', ['mmengine', 'torch'])
def test_import_says_what_is_missing_and_the_mend(package):
    result = run_without(package, '-c', 'import mmvtg')
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith('ImportError: mmvtg needs a package')
    assert f"'{package}'" in last and 'pip install -e .' in last


def test_requirements_are_those_of_the_distribution(monkeypatch, tmp_path):
    from mmvtg import selfcheck

    def absent(name):
        raise selfcheck.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(selfcheck.importlib.metadata, 'requires', lambda name: ['x>1'])
    assert selfcheck.read_requirements() == ['x>1']
    monkeypatch.setattr(selfcheck.importlib.metadata, 'requires', absent)
    names = selfcheck.read_requirements()
    assert 'mmengine>=0.10.7,<0.11' in names and 'spacy>=3.8,<3.9' in names
    monkeypatch.setattr(selfcheck, '_REQUIREMENTS', tmp_path)
    with pytest.raises(FileNotFoundError):
        selfcheck.read_requirements()


def test_downloads_load_safely_under_an_old_torch(tmp_path, monkeypatch):
    from mmengine.runner import checkpoint

    def old(url, model_dir=None, map_location=None, progress=True, check_hash=False):
        raise AssertionError('this one cannot load safely')

    assert not compat.mend_load_url()
    monkeypatch.setattr(checkpoint, 'load_url', old)
    assert compat.mend_load_url()
    trap, source = tmp_path / 'trap', tmp_path / 'source'
    source.mkdir()
    torch.save({'w': torch.ones(2)}, source / 'good.pth')
    torch.save({'w': Harmful(trap)}, source / 'bad.pth')
    torch.save({'w': torch.ones(2)}, source / 'good-00000000.pth')
    options = dict(model_dir=str(tmp_path / 'hub'), progress=False, weights_only=True)
    urls = {path.stem: path.as_uri() for path in source.iterdir()}
    assert checkpoint.load_url(urls['good'], **options)['w'].tolist() == [1, 1]
    assert (tmp_path / 'hub' / 'good.pth').is_file()
    with pytest.raises(pickle.UnpicklingError):
        checkpoint.load_url(urls['bad'], **options)
    assert not trap.exists()
    with pytest.raises(RuntimeError, match='invalid hash'):
        checkpoint.load_url(urls['good-00000000'], check_hash=True, **options)


def test_a_mend_that_fails_is_not_forgotten(monkeypatch):
    def fail():
        raise ImportError('not yet')

    monkeypatch.setattr(compat, '_applied', None)
    monkeypatch.setattr(compat, 'MENDS', {'one': lambda: True, 'two': fail})
    for _ in range(2):
        with pytest.raises(ImportError, match='not yet'):
            compat.apply_mends()
