"""Checkpoints that a kill cannot spoil."""

import logging
import os

import pytest
import torch
from mmengine.fileio import get_file_backend
from safetensors.torch import save_file

from mmvtg.engine import SafeCheckpointHook, checkpoint
from mmvtg.utils import replacing, write_atomic


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'file.bin'
    write_atomic(path, b'old')

    def fail(*args):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match='disk full'):
        write_atomic(path, b'new')
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['file.bin']


def test_the_backend_writes_atomically(tmp_path, monkeypatch):
    seen = []
    replace = os.replace
    monkeypatch.setattr(
        os, 'replace', lambda *args: (seen.append(args[1]), replace(*args))
    )
    backend = get_file_backend(str(tmp_path), backend_args=dict(backend='atomic'))
    backend.put(b'abc', str(tmp_path / 'sub' / 'x.pth'))
    assert (tmp_path / 'sub' / 'x.pth').read_bytes() == b'abc'
    assert seen == [str(tmp_path / 'sub' / 'x.pth')]


class Run:
    def __init__(self, work_dir):
        self.work_dir = str(work_dir)
        self.logger = logging.getLogger('run')


def test_at_least_two_checkpoints_are_kept():
    assert SafeCheckpointHook(max_keep_ckpts=1).max_keep_ckpts == 2
    assert SafeCheckpointHook(max_keep_ckpts=5).max_keep_ckpts == 5
    assert SafeCheckpointHook().max_keep_ckpts == -1


def test_a_replaced_file_keeps_its_suffix_and_the_usual_mode(tmp_path):
    (tmp_path / 'plain').write_bytes(b'')
    path = tmp_path / 'new' / 'video.mp4'
    with replacing(path) as temporary:
        assert os.path.dirname(temporary) == str(path.parent)
        assert temporary.endswith('.part.mp4')
        with open(temporary, 'wb') as file:
            file.write(b'abc')
        assert not path.exists()
    assert path.read_bytes() == b'abc'
    assert path.stat().st_mode == (tmp_path / 'plain').stat().st_mode
    assert os.listdir(path.parent) == ['video.mp4']


def test_leftovers_of_a_kill_are_deleted_when_training_begins(tmp_path):
    with replacing(tmp_path / 'epoch_3.pth') as temporary:
        leftover = os.path.basename(temporary)
    gone = [leftover, '.epoch_4.pth.ab12', '.best_mr_mAP_epoch_4.pth.ab.part.pth']
    kept = ['.epoch_4.pth', '.notes.ab12', 'epoch_5.pth.bak', 'epoch_3.pth']
    for name in gone + kept:
        (tmp_path / name).write_bytes(b'x')
    hook = SafeCheckpointHook(interval=1)
    run = Run(tmp_path)
    run._resume = False
    hook.before_run(run)
    assert (tmp_path / leftover).exists()  # perhaps of a training, seen by a test run
    hook.before_train(run)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


def test_safetensors_are_loaded_to_the_device_or_refused(tmp_path):
    path = str(tmp_path / 'w.safetensors')
    save_file({'a': torch.ones(2)}, path)
    assert checkpoint.load_from_local(path)['a'].tolist() == [1, 1]
    for device in ('meta', torch.device('meta')):
        assert checkpoint.load_from_local(path, device)['a'].device.type == 'meta'
    with open(path, 'r+b') as file:
        file.truncate(20)
    with pytest.raises(ValueError, match=r'w\.safetensors cannot be loaded'):
        checkpoint.load_from_local(path)
