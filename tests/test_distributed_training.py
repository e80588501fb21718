"""Training and validation by two processes give what one gives."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_world import CONFIG, ROOT, run

#: Without dropout and drawn positives, and with a constant rate, two processes of one
#: sample each do what one process does that sums up two samples.
SETTINGS = f"""
_base_ = ['{ROOT / CONFIG}']
model = dict(
    neck=dict(dropout=0.0),
    head=dict(
        losses=dict(
            _delete_=True,
            cls=dict(type='FocalLoss', gamma=2.0),
            boundary=dict(type='SpanL1Loss', loss_weight=0.2),
        )
    ),
)
train_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(indices=8),
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=False),
)
val_dataloader = dict(num_workers=0, persistent_workers=False)
train_cfg = dict(max_epochs=1, val_interval=1)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=0.05))
param_scheduler = []
find_unused_parameters = True  # of the losses that are left out
"""


def train(world: Path, work: Path, processes: int, accumulate: int) -> tuple:
    """Metrics and weights after an epoch."""
    work.mkdir()
    config = work / 'config.py'
    text = f'optim_wrapper["accumulative_counts"] = {accumulate}\n'
    config.write_text(SETTINGS + text)
    launch = ['-m', 'torch.distributed.run', '--standalone']
    launch += [f'--nproc_per_node={processes}']
    command = ['tools/train.py', str(config), '--work-dir', str(work)]
    if processes > 1:
        command = [*launch, *command, '--launcher', 'pytorch']
    run([sys.executable, *command], world)
    (scalars,) = work.glob('*/vis_data/scalars.json')
    last = json.loads(scalars.read_text().splitlines()[-1])
    metrics = {key: value for key, value in last.items() if key[:3] in ('MR-', 'HL-')}
    state = torch.load(work / 'epoch_1.pth', weights_only=True)['state_dict']
    return metrics, state


def test_two_processes_train_like_one(world, tmp_path):
    metrics, state = train(world, tmp_path / 'one', 1, accumulate=2)
    metrics_two, state_two = train(world, tmp_path / 'two', 2, accumulate=1)
    assert len(metrics) > 10 and metrics == metrics_two
    farthest = max((state[key] - state_two[key]).abs().max() for key in state)
    assert farthest < 1e-5


@pytest.mark.parametrize(
    ('script', 'tool', 'arguments'),
    [
        ('slurm_train.sh', 'train.py', ['CONFIG', '--amp']),
        ('slurm_test.sh', 'test.py', ['CONFIG', 'CHECKPOINT', '--dump', 'all.pkl']),
    ],
)
def test_slurm_scripts_ask_for_what_they_are_told(tmp_path, script, tool, arguments):
    """A stand-in for srun writes down what it is asked for."""
    (tmp_path / 'srun').write_text('#!/bin/sh\nprintf "%s\\n" "$@" "$MASTER_PORT"\n')
    (tmp_path / 'srun').chmod(0o755)
    settings = dict(
        PATH=f'{tmp_path}:/usr/bin:/bin',
        GPUS='16',
        GPUS_PER_NODE='4',
        CPUS_PER_TASK='7',
        SRUN_ARGS='--time=1:00 --exclusive',
    )
    command = ['bash', f'{ROOT}/tools/{script}', 'long', 'my_job', *arguments]
    options = dict(capture_output=True, text=True, env=settings, cwd=tmp_path)
    done = subprocess.run(command, **options)
    assert done.returncode == 0, done.stderr
    *asked, port = done.stdout.splitlines()
    wanted = ['--partition=long', '--job-name=my_job', '--gres=gpu:4', '--ntasks=16']
    wanted += ['--ntasks-per-node=4', '--cpus-per-task=7', '--time=1:00', '--exclusive']
    assert set(wanted) <= set(asked) and 10000 < int(port) < 65536
    tail = asked[asked.index('python') :]
    assert Path(tail[2]).resolve() == ROOT / 'tools' / tool
    assert tail[3:] == [*arguments, '--launcher', 'slurm']
    usage = subprocess.run(command[:4], **options)
    assert usage.returncode == 2 and 'usage:' in usage.stderr
