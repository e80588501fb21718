"""Locks end with their process, also where its children live on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import mmvtg
from mmvtg.utils.locks import LockedError, ProcessLock

#: Takes a lock, forks a child that outlives it, and waits for a signal.
HOLDER = """
import os, sys, time
from mmvtg.utils.locks import ProcessLock
lock = ProcessLock(open(sys.argv[1], 'ab', buffering=0), sys.argv[1] + '.owner')
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
time.sleep(60)
"""


def take(path: Path) -> ProcessLock:
    return ProcessLock(open(path, 'ab', buffering=0), f'{path}.owner')


@pytest.mark.parametrize('name', ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGSEGV', 'SIGHUP'])
def test_a_lock_ends_with_its_process_and_not_with_its_children(tmp_path, name):
    path = tmp_path / 'lock'
    root = str(Path(mmvtg.__file__).parents[1])
    holder = subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ, PYTHONPATH=root),
    )
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(LockedError, match=rf'^pid {holder.pid} on \S+$'):
            take(path)
        holder.send_signal(getattr(signal, name))
        holder.wait()
        os.kill(child, 0)  # still there
        take(path).release()
    finally:
        os.kill(child, signal.SIGKILL)
        holder.stdout.close()


def test_a_released_lock_leaves_no_note_and_may_be_taken_again(tmp_path):
    path = tmp_path / 'lock'
    for _ in range(2):
        lock = take(path)
        with pytest.raises(LockedError, match=f'pid {os.getpid()}'):
            take(path)
        lock.release()
        lock.release()
        assert os.listdir(tmp_path) == ['lock']
