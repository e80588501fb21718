"""Worker processes that decode videos, and can be killed when one gets stuck."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from queue import Empty, Queue
from typing import Any

from .clips import VideoItem
from .decoding import DEADLINE, Event, Failed, Opened, Source, decode_here, stuck
from .reader import name_video
from .worker import serve

# as torch's data loaders: a fork starts at once and imports nothing again
_CONTEXT: Any = multiprocessing.get_context(
    'fork' if sys.platform == 'linux' else 'spawn'
)
_POLL = 0.5  # seconds between looks at the clock
_CHUNKS = 4  # that wait, for each worker
#: A fork must not inherit another worker's end of a pipe that is being set up.
_starting = threading.Lock()


class DecodingProcess:
    """A process that decodes one video after another.

    It is started when it is needed, killed with a video that is stuck, and ends with
    this process. Videos that are decoded at the same time have a process each.

    Args:
        deadline (float): Seconds without progress after which a video counts as stuck.
    """

    def __init__(self, deadline: float = DEADLINE) -> None:
        self.deadline = deadline
        self._owner = os.getpid()
        self._free = threading.Lock()
        self._process: Any = None
        self._pipe: Connection | None = None
        self._clock: Any = None

    @property
    def pid(self) -> int | None:
        """Process id, or None if no process was started."""
        return self._process and self._process.pid

    def decode(self, item: VideoItem, source: Source, clips: int) -> Iterator[Event]:
        """Decode one video there; see :func:`decode_here` for arguments and events.

        A video whose events are not read to the end is stopped with the process.
        """
        if not self._free.acquire(blocking=False):
            other = DecodingProcess(self.deadline)
            try:
                yield from other.decode(item, source, clips)
            finally:
                other.stop()
            return
        done = False
        try:
            self._send((item, source, clips))
            while not done:
                event = self._receive(item)
                done = event is None or isinstance(event, Failed)
                if event is not None:
                    yield event
        finally:
            if not done:
                self.stop()
            self._free.release()

    def _receive(self, item: VideoItem) -> Event | None:
        """Return the next event, None at the end of the video."""
        assert self._pipe is not None
        try:
            while not self._pipe.poll(_POLL):
                if time.monotonic() - self._clock.value > self.deadline:
                    self.stop()
                    return Failed(item, stuck(item, self.deadline))
            return self._pipe.recv()
        except (EOFError, OSError):
            return Failed(item, self._explain_death(item))

    def _send(self, task: tuple[VideoItem, Source, int]) -> None:
        """Hand a video to the process, or to a new one if it was killed meanwhile."""
        for attempt in range(2):
            self._start()
            assert self._pipe is not None
            try:
                self._clock.value = time.monotonic()
                return self._pipe.send(task)
            except OSError:
                self.stop()
                if attempt:
                    raise

    def _start(self) -> None:
        if self._owner != os.getpid():  # after a fork, the process is the parent's
            self._owner, self._process, self._pipe = os.getpid(), None, None
        if self._process is not None and self._process.is_alive():
            return
        if multiprocessing.current_process().daemon:
            raise RuntimeError(
                'a worker process, such as one of a data loader, cannot start others: '
                'decode in it (num_workers=0, isolated=False)'
            )
        with _starting, _no_collection():
            self._pipe, other = _CONTEXT.Pipe()
            self._clock = _CONTEXT.Value('d', time.monotonic(), lock=False)
            process = _CONTEXT.Process(
                target=serve, args=(other, self._clock, os.getpid()), daemon=True
            )
            process.start()
            self._process = process  # from now on it can be killed
            other.close()

    def _explain_death(self, item: VideoItem) -> str:
        assert self._process is not None
        self._process.join(timeout=10)
        code = self._process.exitcode
        self.stop()
        how, remedy = f'exit code {code}', 're-encode it with ffmpeg, or leave it out'
        if code is not None and code < 0:
            with suppress(ValueError):
                how = signal.Signals(-code).name
        if how == 'SIGKILL':
            remedy = 'somebody killed it, or the memory was full'
        name = name_video(item.path, item.video_id)
        return f'{name} ended the process that decoded it ({how}); {remedy}'

    def kill(self) -> None:
        """Kill the process, from any thread; the video that it decodes fails."""
        process = self._process
        if process is not None and self._owner == os.getpid():
            process.kill()

    def stop(self) -> None:
        """End the process; the next video starts another one."""
        self.kill()
        if self._process is not None and self._owner == os.getpid():
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process, self._pipe = None, None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Suspend garbage collection, so that a fork collects nothing of its parent."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def decode_all(
    items: Sequence[VideoItem],
    source: Source,
    num_workers: int,
    clips: int,
    deadline: float = DEADLINE,
) -> Iterator[Event]:
    """Decode videos in processes or, with ``num_workers=0``, in this one.

    Videos are begun in order; the events of several workers come interleaved. At most
    ``4 * num_workers`` chunks wait at any time, however long videos are.

    Args:
        items (Sequence[VideoItem]): Videos to decode.
        source (Source): How they become clips.
        num_workers (int): Number of processes.
        clips (int): Clips per chunk.
        deadline (float): Seconds without progress after which a video counts as stuck.

    Yields:
        Event: ``Clips`` and ``Failed`` events.
    """
    if not num_workers:
        for item in items:
            for event in decode_here(item, source, clips):
                if not isinstance(event, Opened):
                    yield event
        return
    workers = [DecodingProcess(deadline) for _ in range(min(num_workers, len(items)))]
    todo, stopped = deque(items), threading.Event()
    queue: Queue = Queue(_CHUNKS * max(len(workers), 1))
    threads = [
        threading.Thread(
            target=_feed,
            args=(worker, todo, source, clips, queue, stopped),
            daemon=True,
        )
        for worker in workers
    ]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            event = queue.get()
            if isinstance(event, BaseException):
                raise event
            if event is None:
                running -= 1
            elif not isinstance(event, Opened):
                yield event
    finally:
        stopped.set()
        while any(thread.is_alive() for thread in threads):
            for worker in workers:
                worker.kill()
            with suppress(Empty):
                queue.get(timeout=0.05)
        for worker in workers:
            worker.stop()


def _feed(
    worker: DecodingProcess,
    todo: deque[VideoItem],
    source: Source,
    clips: int,
    queue: Queue,
    stopped: threading.Event,
) -> None:
    """Let a worker decode videos until none is left; None is the last event."""
    try:
        while not stopped.is_set():
            try:
                item = todo.popleft()
            except IndexError:
                break
            for event in worker.decode(item, source, clips):
                queue.put(event)
                if stopped.is_set():
                    break
        queue.put(None)
    except BaseException as error:  # for the consumer to raise
        queue.put(error)
