"""Videos that exist only by name, for tests of threads, processes and batching."""

import faulthandler
import gc
import os
import signal
import time
from dataclasses import dataclass

import numpy as np

from mmvtg.video.clips import FrameSource
from mmvtg.video.errors import BadSampleError


class FakeReader:
    """Clips that count themselves; ends, breaks off, hangs or crashes on demand.

    Args:
        length (int): Number of clips.
        size (int): Height and width of frames, pixels.
        kind (str): ``fine``; ``broken``, ``crash``, ``abort``, ``hang``, ``bug``,
            ``full``, ``collect``: what happens in the middle; ``slow``: 0.05 s per
            read; a path: file to which the number of each read is appended.
    """

    duration = 1.0

    def __init__(self, length, size, kind, on_progress):
        self.length, self.size, self.kind = length, size, kind
        self.on_progress = on_progress

    def __len__(self):
        return self.length

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.kind.startswith('/'):
            with open(self.kind, 'a') as file:
                file.write('closed\n')

    def read(self, start, stop):
        self.on_progress()
        if stop > self.length // 2:
            trouble(self.kind)
        if self.kind == 'slow':
            time.sleep(0.05)
        if self.kind.startswith('/'):
            with open(self.kind, 'a') as file:
                file.write(f'{start}\n')
        clips = np.arange(start, stop).astype(np.uint8)
        return np.tile(clips[:, None, None, None], (1, 3, self.size, self.size))


def trouble(kind):
    """Let something go wrong."""
    if kind == 'broken':
        raise BadSampleError('breaks off')
    if kind in ('crash', 'abort'):
        faulthandler.disable()  # pytest's would print a page
        os.kill(os.getpid(), dict(crash=signal.SIGSEGV, abort=signal.SIGABRT)[kind])
    if kind == 'hang':
        time.sleep(1e6)
    if kind == 'collect':
        gc.collect()
    if kind == 'bug':
        raise KeyError('a bug')
    if kind == 'full':
        raise OSError('no space')


@dataclass(frozen=True)
class FakeSource(FrameSource):
    """Videos whose path says how long they are and what is wrong with them."""

    def open(self, item, on_progress=lambda: None, num_threads=1):
        length, kind = item.path.split()
        if kind == 'missing':
            raise BadSampleError('does not exist')
        if kind.startswith('open-'):  # goes wrong before there is a clip
            trouble(kind.removeprefix('open-'))
        return FakeReader(int(length), self.size, kind, on_progress)


def wait_until(condition, seconds=20.0):
    """Wait until a condition holds, and fail if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.02)
