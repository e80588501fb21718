"""Videos that are only said to be there, for processes that import no torch."""

import os
import signal
import time
from dataclasses import dataclass

import numpy as np

from mmvtg.video.errors import BadSampleError
from mmvtg.video.source import FrameSource


class FakeReader:
    """Clips that count themselves; ends, breaks off or crashes where it is told."""

    duration = 1.0

    def __init__(self, length, breaks_at=None, crashes_at=None, log=None, wait=0):
        self.length, self.breaks_at, self.crashes_at = length, breaks_at, crashes_at
        self.log, self.wait = log, wait

    def __len__(self):
        return self.length

    def read(self, start, stop):
        if self.breaks_at is not None and stop > self.breaks_at:
            raise BadSampleError('breaks off')
        if self.crashes_at is not None and stop > self.crashes_at:
            os.abort()
        if self.log is not None:
            with open(self.log, 'a') as file:
                file.write(f'{start}\n')
        time.sleep(self.wait)
        clips = np.arange(start, stop).astype(np.uint8)
        return np.tile(clips[:, None, None, None], (1, 3, 2, 2))


@dataclass(frozen=True)
class FakeSource(FrameSource):
    """Videos whose path says how long they are and what is wrong with them."""

    def open(self, item):
        length, kind = item.path.split()
        if kind == 'crash':
            os.kill(os.getpid(), signal.SIGSEGV)
        if kind == 'missing':
            raise BadSampleError('does not exist')
        if kind == 'abort':
            return FakeReader(int(length), crashes_at=int(length) // 2)
        if kind == 'slow':
            return FakeReader(int(length), wait=60)
        if kind.startswith('/'):
            return FakeReader(int(length), log=kind)
        return FakeReader(int(length), int(length) - 1 if kind == 'broken' else None)
