"""The tool that says what differs between two resolved configs."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/analysis_tools/compare_configs.py'
FULL = 'configs/r2_tuning/r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes-full.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('compare_configs', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(tool, a, b) -> list:
    return [(d.kind, d.path, d.a, d.b) for d in tool.differences(a, b)]


def test_nested_keys(tool):
    a = dict(model=dict(neck=dict(type='N', steps=4), old=1), same=[1, 2])
    b = dict(model=dict(neck=dict(type='N', steps=2)), same=(1, 2), new={'x': None})
    assert found(tool, a, b) == [
        ('changed', 'model.neck.steps', 4, 2),
        ('removed', 'model.old', 1, None),
        ('added', 'new', None, {'x': None}),
    ]
    assert not found(tool, a, a)


def test_one_and_true_are_not_the_same(tool):
    assert found(tool, dict(x=1), dict(x=True)) == [('changed', 'x', 1, True)]


def test_a_step_put_in_is_one_difference(tool):
    load, pack = dict(type='Load', size=1), dict(type='Pack')
    a = dict(pipeline=[load, pack])
    b = dict(pipeline=[dict(load, size=2), dict(type='Flip'), pack])
    assert found(tool, a, b) == [
        ('changed', 'pipeline[Load].size', 1, 2),
        ('added', 'pipeline[Flip]', None, dict(type='Flip')),
    ]


def test_plain_lists_are_one_value(tool):
    a, b = dict(betas=[0.9, 0.99]), dict(betas=[0.9, 0.999])
    assert found(tool, a, b) == [('changed', 'betas', [0.9, 0.99], [0.9, 0.999])]


def run(*args: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(TOOL), *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_command_line(tool, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    child = tmp_path / 'child.py'
    text = f"_base_ = ['{ROOT / FULL}']\nmodel = dict(neck=dict(num_steps=2))\n"
    child.write_text(text)
    assert tool.main([FULL, str(child)]) == 1
    assert capsys.readouterr().out == '~ model.neck.num_steps: 4 -> 2\n'
    assert tool.main([FULL, str(child), '--print', 'json']) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert row == dict(kind='changed', path='model.neck.num_steps', a=4, b=2)
    assert tool.main([FULL, str(child), '--colour', 'always']) == 1
    assert capsys.readouterr().out.startswith('\033[33m~ model')
    assert tool.main([FULL, str(child), '--only', 'optim_wrapper']) == 0
    assert tool.main([FULL, str(child), '--cfg-options', 'model.neck.num_steps=1']) == 0
    assert capsys.readouterr().out.splitlines() == ['the configs say the same'] * 2


def test_no_colours_in_a_pipe_and_errors_in_one_line(tmp_path):
    no_tuning = FULL.replace('r2-tuning_tiny-clip-k4', 'no-tuning_tiny-clip')
    done = run(FULL, no_tuning)
    assert done.returncode == 1 and '\033' not in done.stdout
    assert '+ model.neck.spatial_pooling: false' in done.stdout.splitlines()
    (tmp_path / 'bad.py').write_text('x = (')
    done = run(FULL, str(tmp_path / 'bad.py'))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith('error: ')
