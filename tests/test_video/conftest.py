"""Processes, threads and files that tests must not leave behind."""

import multiprocessing
import os
import threading

import pytest
from fake_videos import FakeSource, wait_until

from mmvtg.video.clips import VideoItem
from mmvtg.video.processes import decode_all


@pytest.fixture
def nothing_is_left():
    """The test leaves no process, no thread, and no file descriptor."""
    for _ in decode_all([VideoItem('v', '1 fine')], FakeSource(2, 1.0), 1, 1):
        pass  # the heap of multiprocessing keeps its file open from now on
    files = len(os.listdir('/proc/self/fd'))
    # Other tests of this process may have left theirs.
    processes = set(multiprocessing.active_children())
    threads = set(threading.enumerate())
    yield
    wait_until(lambda: processes.issuperset(multiprocessing.active_children()))
    wait_until(lambda: threads.issuperset(threading.enumerate()))
    assert len(os.listdir('/proc/self/fd')) == files


@pytest.fixture
def children():
    """A function that counts the processes that the test has started."""
    earlier = set(multiprocessing.active_children())
    return lambda: len(set(multiprocessing.active_children()) - earlier)
