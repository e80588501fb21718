"""Starting several processes without an accelerator, and ending with a message."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmvtg.utils import launch

VARIABLES = ('MASTER_ADDR', 'MASTER_PORT', 'RANK', 'WORLD_SIZE', 'LOCAL_RANK')


@pytest.fixture
def start(monkeypatch):
    """A function that adapts a config to the CPU and returns it with the variables."""
    for name in (*VARIABLES, 'SLURM_NNODES', 'SLURM_NODELIST'):
        # setenv first, so that what the code under test sets is undone as well
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    groups = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(launch.dist, 'is_initialized', lambda: False)
    monkeypatch.setattr(launch.dist, 'init_process_group', groups.append)
    # there is no group to leave when this process ends
    monkeypatch.setattr(launch.atexit, 'register', lambda leave: None)

    def adapt(launcher='pytorch', env=None, **fields):
        if launcher == 'pytorch':
            env = dict(RANK='0', WORLD_SIZE='1', MASTER_ADDR='127.0.0.1')
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        cfg = Config(fields)
        launch.adapt_to_device(cfg, launcher)
        assert groups == ([] if launcher == 'none' else ['gloo'])
        return cfg

    return adapt


def slurm(nodes):
    return dict(
        SLURM_PROCID='5', SLURM_NTASKS='8', SLURM_LOCALID='1', SLURM_NNODES=nodes
    )


def test_one_process_changes_nothing(start):
    assert 'model_wrapper_cfg' not in start('none')


def test_default_wrapper_has_no_device(start):
    assert start().model_wrapper_cfg == dict(
        type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False
    )


def test_wrapper_of_the_config_is_kept(start):
    own = dict(
        type='MMSeparateDistributedDataParallel',
        find_unused_parameters=True,
        broadcast_buffers=True,
        device_ids=[0],
    )
    assert start(model_wrapper_cfg=own).model_wrapper_cfg == dict(own, device_ids=None)


def test_find_unused_parameters_of_the_config_is_kept(start):
    cfg = start(find_unused_parameters=True)
    assert cfg.model_wrapper_cfg.find_unused_parameters is True


def test_slurm_on_one_node(start, monkeypatch):
    start('slurm', slurm('1'))
    values = [launch.os.environ[name] for name in VARIABLES]
    assert values == ['127.0.0.1', '29500', '5', '8', '1']


def test_slurm_on_two_nodes_meets_at_the_first(start, monkeypatch):
    def run(command, **options):
        assert command == ['scontrol', 'show', 'hostnames', 'node[07-08]']
        return subprocess.CompletedProcess(command, 0, 'node07\nnode08\n')

    monkeypatch.setattr(launch.subprocess, 'run', run)
    start('slurm', dict(slurm('2'), SLURM_NODELIST='node[07-08]'))
    assert launch.os.environ['MASTER_ADDR'] == 'node07'


def test_slurm_on_two_nodes_without_scontrol(start, monkeypatch):
    monkeypatch.setenv('PATH', '')
    with pytest.raises(RuntimeError, match=r'node\[07-08\].*set MASTER_ADDR'):
        start('slurm', dict(slurm('2'), SLURM_NODELIST='node[07-08]'))
    start('slurm', dict(MASTER_ADDR='node07'))
    assert launch.os.environ['MASTER_ADDR'] == 'node07'


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_tools_end_with_a_line_that_says_what_is_missing(tool):
    tools = Path(__file__).parents[2] / 'tools'
    command = [sys.executable, str(tools / f'{tool}.py'), 'absent.py']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == 'error: config absent.py does not exist'
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_a_config_without_a_model_is_named(tool):
    root = Path(__file__).parents[2]
    config = 'configs/_base_/features/tiny_clip.py'
    command = [sys.executable, str(root / f'tools/{tool}.py'), config]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    message = f'error: {config} has no model and no {tool}_dataloader: give a config'
    assert done.stderr.splitlines()[-1].startswith(message)


def test_option_without_a_value_is_an_error_of_usage(capsys):
    parser = argparse.ArgumentParser()
    launch.add_launch_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(['--cfg-options', 'a=1', 'resume'])
    assert "--cfg-options needs key=value, got 'resume'" in capsys.readouterr().err
    given = parser.parse_args(['--cfg-options', 'a.b=1', 'c=x=y']).cfg_options
    assert given == {'a.b': 1, 'c': 'x=y'}
