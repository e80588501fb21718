"""Checkpoints that a kill cannot spoil."""

import os

import pytest
import torch
from mmengine.fileio import get_file_backend

from mmvtg.engine import SafeCheckpointHook
from mmvtg.utils import write_atomic


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


@pytest.mark.parametrize('content', ['', '{}/epoch_9.pth', None])
def test_a_broken_last_checkpoint_is_mended(tmp_path, content):
    for epoch in (2, 10):
        torch.save({}, tmp_path / f'epoch_{epoch}.pth')
    (tmp_path / '.epoch_11.pth.x').write_bytes(b'half')
    if content is not None:
        (tmp_path / 'last_checkpoint').write_text(content.format(tmp_path))
    hook = SafeCheckpointHook(interval=1)
    hook.filename_tmpl = 'epoch_{}.pth'
    hook.before_run(Run(tmp_path))
    pointed = (tmp_path / 'last_checkpoint').read_text()
    assert pointed == str(tmp_path / 'epoch_10.pth')


def test_without_checkpoints_nothing_is_pointed_at(tmp_path):
    (tmp_path / 'last_checkpoint').write_text('gone.pth')
    hook = SafeCheckpointHook(interval=1)
    hook.filename_tmpl = 'epoch_{}.pth'
    hook.before_run(Run(tmp_path))
    assert not (tmp_path / 'last_checkpoint').exists()


def test_at_least_two_checkpoints_are_kept():
    assert SafeCheckpointHook(max_keep_ckpts=1).max_keep_ckpts == 2
    assert SafeCheckpointHook(max_keep_ckpts=5).max_keep_ckpts == 5
    assert SafeCheckpointHook().max_keep_ckpts == -1
