"""Decodes videos in other processes while the tower works.

Each process owns a few buffers in shared memory and a pipe. It fills a buffer with
clips and says so; the buffer is its own again when the tower has taken the clips. No
lock is shared, so a process that dies, as decoders do on some corrupt files, takes only
the video with it that it was decoding.
"""

from collections import deque
from contextlib import suppress
from multiprocessing import connection
from typing import (
    Any,
    Deque,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Union,
)

import torch
from torch import Tensor
from torch import multiprocessing as mp

from mmvtg.datasets.errors import BadSampleError

from .sampling import FrameSource, VideoItem

_BUFFERS = 4  # a process; one is filled, one waits, and two make up for long videos
_AHEAD = 2  # videos that a process knows of, so that it never waits for the next


class Clips(NamedTuple):
    """Some clips of a video, in order.

    Args:
        item (VideoItem): The video.
        frames (Tensor): (n, ...) uint8, good until the next event is asked for.
        total (int): Clips of the whole video.
    """

    item: VideoItem
    frames: Tensor
    total: int


class Failed(NamedTuple):
    """A video that cannot be decoded, or not to its end.

    Args:
        item (VideoItem): The video.
        reason (str): Why.
    """

    item: VideoItem
    reason: str


def decode(
    items: Sequence[VideoItem], source: FrameSource, num_workers: int, clips: int
) -> Iterator[Union[Clips, Failed]]:
    """Decode videos, in processes or (``num_workers=0``) in this one.

    Videos are begun in order; with several processes their clips come interleaved. At
    most ``4 * num_workers * clips`` clips wait at any time, however long videos are.

    Args:
        items (Sequence[VideoItem]): What to decode.
        source (FrameSource): How.
        num_workers (int): Processes.
        clips (int): Clips that are handed over together.

    Yields:
        Clips | Failed: What there is next.
    """
    if num_workers == 0:
        for item in items:
            yield from _decode_here(item, source, clips)
        return
    pool = _Pool(items, source, min(num_workers, len(items)), clips)
    try:
        yield from pool.events()
    finally:
        pool.stop()


def _decode_here(
    item: VideoItem, source: FrameSource, clips: int
) -> Iterator[Union[Clips, Failed]]:
    try:
        reader = source.open(item)
        for start in range(0, len(reader), clips):
            stop = min(start + clips, len(reader))
            yield Clips(item, reader.read(start, stop), len(reader))
    except BadSampleError as error:
        yield Failed(item, str(error))


def _work(pipe: connection.Connection, source: FrameSource, buffers: Tensor) -> None:
    """The loop of a decoding process: messages in, messages out."""
    torch.set_num_threads(1)
    tasks: Deque[VideoItem] = deque()
    free = deque(range(len(buffers)))

    def listen(wanted: deque) -> None:
        while not wanted:
            kind, value = pipe.recv()
            (tasks if kind == 'task' else free).append(value)

    try:
        while True:
            listen(tasks)
            for event in _decode_here(tasks.popleft(), source, buffers.shape[1]):
                if isinstance(event, Failed):
                    pipe.send(('failed', event.reason))
                    break
                listen(free)
                index = free.popleft()
                buffers[index, : len(event.frames)] = event.frames
                pipe.send(('clips', (index, len(event.frames), event.total)))
            else:
                pipe.send(('done', None))
    except (EOFError, OSError, KeyboardInterrupt):  # the parent is gone
        return


class _Worker:
    """A decoding process, its buffers, and the videos that it was given."""

    def __init__(self, source: FrameSource, clips: int, context: Any) -> None:
        shape = (_BUFFERS, clips, *source.clip_shape)
        self.buffers = torch.empty(shape, dtype=torch.uint8).share_memory_()
        self.items: Deque[VideoItem] = deque()
        self.pipe, other = context.Pipe()
        arguments = (other, source, self.buffers)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        self.process.start()
        other.close()

    def give(self, item: VideoItem) -> None:
        self.items.append(item)
        self._send('task', item)

    def release(self, index: int) -> None:
        self._send('buffer', index)

    def _send(self, kind: str, value: Any) -> None:
        # if it died, that is noticed when it is listened to
        with suppress(OSError):
            self.pipe.send((kind, value))

    def stop(self) -> None:
        self.pipe.close()
        self.process.join(timeout=1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Pool:
    def __init__(
        self, items: Sequence[VideoItem], source: FrameSource, workers: int, clips: int
    ) -> None:
        self.todo: Deque[VideoItem] = deque(items)
        self.source, self.clips = source, clips
        # a fresh interpreter: a fork of a process with threads may hang
        self.context = mp.get_context('forkserver')
        self.context.set_forkserver_preload(['mmvtg.extraction.decoding'])
        self.workers: List[_Worker] = [self._start() for _ in range(workers)]

    def _start(self) -> _Worker:
        return _Worker(self.source, self.clips, self.context)

    def events(self) -> Iterator[Union[Clips, Failed]]:
        self._feed()
        while any(worker.items for worker in self.workers):
            by_pipe: Dict[Any, _Worker] = {w.pipe: w for w in self.workers if w.items}
            for pipe in connection.wait(list(by_pipe)):
                event = self._receive(by_pipe[pipe])
                if event is not None:
                    yield event
            self._feed()

    def _feed(self) -> None:
        for _ in range(_AHEAD):
            for worker in self.workers:
                if self.todo and len(worker.items) < _AHEAD:
                    worker.give(self.todo.popleft())

    def _receive(self, worker: _Worker) -> Optional[Union[Clips, Failed]]:
        item = worker.items[0]
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            return self._replace(worker)
        if kind == 'clips':
            index, length, total = value
            # a copy, so that the process may go on at once
            frames = worker.buffers[index, :length].clone()
            worker.release(index)
            return Clips(item, frames, total)
        worker.items.popleft()
        return Failed(item, value) if kind == 'failed' else None

    def _replace(self, worker: _Worker) -> Failed:
        """Start another process in the place of one that died."""
        worker.stop()
        item = worker.items.popleft()
        self.todo.extendleft(reversed(worker.items))
        self.workers[self.workers.index(worker)] = self._start()
        name, code = f'video {item.video_id} ({item.path})', worker.process.exitcode
        return Failed(
            item,
            f'{name} ended the decoder (exit code {code}): re-encode it with ffmpeg',
        )

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
