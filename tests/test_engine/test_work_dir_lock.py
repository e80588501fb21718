"""A work dir belongs to one training at a time."""

import errno
import os
import shutil
import signal
import subprocess
import sys

import pytest
from tiny_world import CONFIG, ROOT, SHORT, environment

from mmvtg.engine.work_dir_lock import WorkDirBusyError, work_dir_lock
from mmvtg.utils import locks


def train(work_dir, *options: str) -> list:
    command = [sys.executable, 'tools/train.py', CONFIG, '--work-dir', str(work_dir)]
    return [*command, *options, '--cfg-options', *SHORT]


def test_a_second_training_is_refused_until_the_first_is_killed(world, tmp_path):
    settings = dict(cwd=ROOT, env=environment(world), text=True)
    workers = ['train_dataloader.num_workers=2', 'train_cfg.max_epochs=500']
    first = subprocess.Popen(
        [*train(tmp_path), *workers],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **settings,
    )
    for line in first.stdout:
        if 'Epoch(train)' in line:
            break
    else:
        pytest.fail('the first training ended early')
    link = tmp_path.with_name(f'{tmp_path.name}_link')
    link.symlink_to(tmp_path)
    before = sorted(os.listdir(tmp_path))
    try:
        again = train(link, '--resume')
        second = subprocess.run(again, capture_output=True, **settings)
        assert second.returncode == 1 and 'Traceback' not in second.stderr
        (message,) = [x for x in second.stderr.splitlines() if x[:6] == 'error:']
        assert f'in use by another training (pid {first.pid} on ' in message
        assert '--work-dir' in message
        assert set(before) <= set(os.listdir(tmp_path))
        assert len(list(tmp_path.glob('*/*.log'))) == 1
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
        first.stdout.close()
    with work_dir_lock(str(tmp_path)):  # its workers may still run
        pass
    shutil.rmtree(tmp_path)


def test_only_rank_0_holds_the_lock(tmp_path, monkeypatch):
    for launcher, variable in dict(pytorch='RANK', slurm='SLURM_PROCID').items():
        with work_dir_lock(str(tmp_path / launcher), launcher):
            for rank in ('1', '2'):
                monkeypatch.setenv(variable, rank)
                with work_dir_lock(str(tmp_path / launcher), launcher):
                    pass
            monkeypatch.setenv(variable, '0')
            with (
                pytest.raises(WorkDirBusyError),
                work_dir_lock(str(tmp_path / launcher), launcher),
            ):
                pass


def test_processes_without_a_launcher_are_trainings_of_their_own(tmp_path, monkeypatch):
    # torchrun without --launcher pytorch starts the same training several times
    with work_dir_lock(str(tmp_path)):
        monkeypatch.setenv('RANK', '1')
        with (
            pytest.raises(WorkDirBusyError, match=f'pid {os.getpid()} on'),
            work_dir_lock(str(tmp_path)),
        ):
            pass


def test_the_lock_ends_with_an_error_in_the_training(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyError), work_dir_lock(str(tmp_path)):
            raise KeyError


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(locks.fcntl, 'flock', fail)
    with (
        pytest.warns(UserWarning, match='No locks available'),
        work_dir_lock(str(tmp_path)),
    ):
        pass
