"""Each mend: what it lets work, and what it must not let in."""

import os
import pickle
import subprocess
import sys
import zipfile

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


def test_torchvision_mend_is_made_only_for_its_fault(monkeypatch):
    def fail(name):
        raise RuntimeError('some other fault')

    monkeypatch.setattr(compat.importlib, 'import_module', fail)
    with pytest.raises(RuntimeError, match='some other fault'):
        compat.mend_torchvision()


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

    fine, line = check_package('no_such_module', 'nothing', '1', None, 'pip install it')
    assert not fine and 'MISSING' in line and 'pip install it' in line
    fine, line = check_package('numpy', 'numpy', '900', None, 'pip install numpy')
    assert not fine and 'older than 900' in line
    fine, line = check_package('numpy', 'numpy', '0', '1', 'pip install numpy')
    assert not fine and 'not below 1' in line
