"""Released checkpoints of any wrapping pass the converters, and run nothing."""

import argparse
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from malicious_files import (
    EasyDict,
    easydict_installed,
    write_pickle,
    write_torchscript,
)
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools' / 'model_converters'
DATA = ROOT / 'tests' / 'data' / 'golden' / 'r2_tuning'


@pytest.fixture
def official():
    return load_file(DATA / 'tiny_mr.state.safetensors')


@pytest.fixture
def convert(tmp_path, monkeypatch):
    """A function that saves a checkpoint, converts it, and returns the weights."""

    def run(content) -> dict:
        source, target = tmp_path / 'theirs.ckpt', tmp_path / 'ours.pth'
        torch.save(content, source)
        sys.modules.pop('easydict', None)
        tool = str(TOOLS / 'r2_tuning.py')
        monkeypatch.setattr(sys, 'argv', [tool, str(source), str(target)])
        runpy.run_path(tool, run_name='__main__')
        return torch.load(target)['state_dict']

    return run


def test_options_of_lighthouse(official, convert):
    with easydict_installed():
        options = EasyDict(lr=1e-4, model=EasyDict(name='r2'))
        state = convert(dict(model=official, opt=options, epoch=3))
    assert state['neck.gate'].equal(official['adapter.gate'].float())


def test_averaged_weights_are_converted_and_said(official, convert, capfd):
    mean = {f'module.{key}': value + 1 for key, value in official.items()}
    state = convert(dict(state_dict=official, state_dict_ema=mean))
    assert state['neck.gate'].equal(official['adapter.gate'].float() + 1)
    said = capfd.readouterr().err
    assert 'the averaged weights (state_dict_ema) are used' in said
    assert 'those of the last step (state_dict) are not' in said


class Holder(torch.nn.Module):
    def __init__(self, state):
        super().__init__()
        for key, value in state.items():
            self._parameters[key] = torch.nn.Parameter(value, requires_grad=False)


def test_averages_of_torch(official, convert, capfd):
    holder = Holder(official)
    mean = AveragedModel(holder)
    mean.update_parameters(holder)
    state = convert(dict(model=mean.state_dict(), opt=argparse.Namespace(a=1)))
    assert state['neck.gate'].equal(official['adapter.gate'].float())
    assert 'n_averaged' in capfd.readouterr().err


@pytest.mark.parametrize('content', [[1, 2], torch.ones(2), dict(epoch=1), {}])
def test_files_without_weights_end_in_one_line(content, convert):
    with pytest.raises(SystemExit, match=r'theirs\.ckpt: it holds') as info:
        convert(content)
    assert '\n' not in str(info.value)


@pytest.mark.parametrize('tool', sorted(path.stem for path in TOOLS.glob('[a-z]*.py')))
@pytest.mark.parametrize('write', [write_pickle, write_torchscript])
def test_no_converter_runs_code(tool, write, tmp_path):
    bad, mark = tmp_path / 'bad.pth', tmp_path / 'mark'
    write(bad, mark)
    arguments = [str(bad), str(tmp_path / 'out.safetensors')]
    if tool == 'export_tiny_clip':
        config = next(ROOT.glob('configs/tiny_clip/tiny-clip_*.py'))
        arguments.insert(0, str(config))
    done = subprocess.run(
        [sys.executable, str(TOOLS / f'{tool}.py'), *arguments],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    assert done.returncode == 1 and 'Traceback' not in done.stderr, done.stderr
    assert 'bad.pth' in done.stderr.splitlines()[-1]
    assert 'weights_only' not in done.stderr
    assert not mark.exists() and not (tmp_path / 'out.safetensors').exists()
