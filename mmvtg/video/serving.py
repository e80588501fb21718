"""The loop of a process that decodes."""

import mmap
import os
import socket
import tempfile
from collections import deque
from typing import Deque, Optional, Tuple

import numpy as np

from .errors import BadSampleError
from .messages import Task, say, wait


def serve(sock: socket.socket) -> None:
    """Do tasks, one after the other.

    Raises:
        EOFError, ConnectionError: The other side is gone.
    """
    desk = _Desk(sock)
    say(sock, kind='ready')
    while True:
        _decode(desk.next_task(), desk)


def _decode(task: Task, desk: '_Desk') -> None:
    if os.path.isdir(task.folder):
        os.chdir(task.folder)
    try:
        reader = task.source.open(task.item)
        total, facts = len(reader), getattr(reader, 'facts', {})
        desk.say(kind='opened', total=total, duration=reader.duration, facts=facts)
        for start in range(0, total if task.clips else 0, task.clips or 1):
            desk.wait_for_slot()
            desk.put(reader.read(start, min(start + task.clips, total)), task)
    except BadSampleError as error:
        desk.say(kind='failed', reason=str(error))
        return
    desk.say(kind='done')


class _Desk:
    """What came in and is to be done, and where frames are laid out."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._tasks: Deque[Task] = deque()
        self._free: Deque[int] = deque()
        self._layout: Tuple[int, int] = (0, 0)  # number of slots, bytes of each
        self._memory: Optional[mmap.mmap] = None

    def next_task(self) -> Task:
        while not self._tasks:
            self._listen()
        return self._tasks.popleft()

    def say(self, **fields: object) -> None:
        say(self.sock, **fields)

    def wait_for_slot(self) -> None:
        """Begin no chunk for which there is no room."""
        while self._memory is not None and not self._free:
            self._listen()

    def put(self, frames: np.ndarray, task: Task) -> None:
        """Lay out a chunk."""
        needed = frames.nbytes // len(frames) * task.clips
        slots, size = self._layout
        if slots != task.ahead or size < needed:
            self._allocate(task.ahead, needed)
        slot, (_, size) = self._free.popleft(), self._layout
        place = np.frombuffer(self._memory, np.uint8, frames.nbytes, slot * size)
        place.reshape(frames.shape)[...] = frames
        self.say(kind='clips', slot=slot, start=slot * size, shape=frames.shape)

    def _listen(self) -> None:
        what = wait(self.sock)
        if isinstance(what, int):
            self._free.append(what)
        else:
            self._tasks.append(what)

    def _allocate(self, slots: int, size: int) -> None:
        """Share other memory, once nothing waits in the old one."""
        while len(self._free) < self._layout[0]:
            self._listen()
        file = _nameless_file(slots * size)
        self._memory = mmap.mmap(file, slots * size)
        self._layout, self._free = (slots, size), deque(range(slots))
        self.say(kind='memory', size=slots * size)
        socket.send_fds(self.sock, [b'm'], [file])
        os.close(file)


def _nameless_file(size: int) -> int:
    """A file that is gone when nobody has it open, in memory where that can be had."""
    if hasattr(os, 'memfd_create'):
        file = os.memfd_create('mmvtg-frames')
    else:
        with tempfile.TemporaryFile() as opened:
            file = os.dup(opened.fileno())
    os.ftruncate(file, size)
    return file
