"""Decodes videos in other processes while the tower works.

Each is a :class:`mmvtg.video.apart.Decoder`, which shares nothing with the others, so
that one that dies, as decoders do on some corrupt files, takes only the video with it
that it was decoding.
"""

import os
from collections import deque
from multiprocessing import connection
from typing import Deque, Iterator, List, NamedTuple, Optional, Sequence, Union

import torch
from torch import Tensor

from mmvtg.video.apart import explain_death, give_back, take
from mmvtg.video.errors import BadSampleError
from mmvtg.video.messages import Task
from mmvtg.video.source import FrameSource, VideoItem

_CHUNKS = 4  # that a process has ready; two would wait for each other at long videos
_AHEAD = 2  # videos that a process knows of, so that it never waits for the next


class Clips(NamedTuple):
    """Some clips of a video, in order.

    Args:
        item (VideoItem): The video.
        frames (Tensor): (n, ...) uint8.
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
            frames = reader.read(start, min(start + clips, len(reader)))
            yield Clips(item, torch.from_numpy(frames), len(reader))
    except BadSampleError as error:
        yield Failed(item, str(error))


class _Worker:
    """A decoding process, and the videos that it was given."""

    def __init__(self) -> None:
        self.decoder = take()
        self.items: Deque[VideoItem] = deque()
        self.total = 0  # clips of the video that it is at


class _Pool:
    def __init__(
        self, items: Sequence[VideoItem], source: FrameSource, workers: int, clips: int
    ) -> None:
        self.todo: Deque[VideoItem] = deque(items)
        self.source, self.clips = source, clips
        self.workers: List[_Worker] = [_Worker() for _ in range(workers)]

    def events(self) -> Iterator[Union[Clips, Failed]]:
        self._feed()
        while any(worker.items for worker in self.workers):
            busy = {w.decoder.socket: w for w in self.workers if w.items}
            for socket in connection.wait(list(busy)):
                event = self._receive(busy[socket])
                if event is not None:
                    yield event
            self._feed()

    def _feed(self) -> None:
        for _ in range(_AHEAD):
            for worker in self.workers:
                if self.todo and len(worker.items) < _AHEAD:
                    self._give(worker, self.todo.popleft())

    def _give(self, worker: _Worker, item: VideoItem) -> None:
        worker.items.append(item)
        worker.decoder.give(Task(item, self.source, self.clips, _CHUNKS, os.getcwd()))

    def _receive(self, worker: _Worker) -> Optional[Union[Clips, Failed]]:
        item = worker.items[0]
        try:
            fields, frames = worker.decoder.receive()
        except EOFError:
            return self._replace(worker)
        if frames is not None:
            return Clips(item, torch.from_numpy(frames), worker.total)
        if fields['kind'] == 'opened':
            worker.total = fields['total']
            return None
        worker.items.popleft()
        return Failed(item, fields['reason']) if fields['kind'] == 'failed' else None

    def _replace(self, worker: _Worker) -> Failed:
        """Start another process in the place of one that died."""
        item = worker.items.popleft()
        reason = explain_death(item, worker.decoder)
        self.todo.extendleft(reversed(worker.items))
        self.workers[self.workers.index(worker)] = _Worker()
        return Failed(item, reason)

    def stop(self) -> None:
        for worker in self.workers:
            if worker.items:
                worker.decoder.stop()
            else:
                give_back(worker.decoder)
