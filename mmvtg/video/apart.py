"""Decoding in another process, as decoders crash on some damaged files.

One light process (:mod:`mmvtg.video.child`) serves one video after the other. What it
decodes waits in shared memory, at most ``ahead`` chunks, until it is taken. If it dies,
the video that it was at is bad, and the next one gets another process.
"""

import json
import math
import mmap
import os
import os.path as osp
import signal
import socket
import subprocess
import sys
import weakref
from contextlib import suppress
from multiprocessing import spawn
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from .errors import BadSampleError
from .files import name_video
from .messages import Source, Task, ask, hear
from .source import ChosenSource, FrameSource, VideoItem

_CHILD = osp.join(osp.dirname(osp.abspath(__file__)), 'child.py')
_CHUNK = 32  # frames that are handed over together, where nobody says otherwise
_idle: List['Decoder'] = []  # processes that wait for a video
_KEPT = 4  # of them, at most


class Decoder:
    """A process that decodes. It ends when this object does, and with this process.

    Attributes:
        socket (socket.socket): For ``multiprocessing.connection.wait``.
        pid (int): Of the process that decodes.
    """

    def __init__(self) -> None:
        self.socket, other = socket.socketpair()
        paths = json.dumps([os.fspath(path) for path in sys.path])
        command = [spawn.get_executable(), _CHILD, str(other.fileno()), paths]
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for this process
            )
        finally:
            other.close()
        self.pid, self.owner = self._process.pid, os.getpid()
        self._ready = False
        self._memory: Optional[mmap.mmap] = None
        self.stop = weakref.finalize(self, _end, self.socket, self._process, self.owner)

    @property
    def usable(self) -> bool:
        """Whether it lives, and is this process's and not its parent's."""
        return self.owner == os.getpid() and self._process.poll() is None

    def give(self, task: Task) -> None:
        """Hand over a video; several are decoded one after the other."""
        self._ask(task)

    def receive(self) -> Tuple[Dict[str, Any], Optional[np.ndarray]]:
        """The next thing that it says; waits for it.

        ``kind`` is ``opened`` (with ``total``, the number of clips, ``duration``,
        seconds, and ``facts``), ``clips`` (with frames), ``failed`` (with ``reason``)
        or ``done``.

        Raises:
            EOFError: It died; :meth:`epitaph` says how.
            RuntimeError: It cannot even be started.
        """
        while True:
            fields = self._hear()
            if fields['kind'] == 'ready':
                self._ready = True
            elif fields['kind'] == 'memory':
                self._map(fields['size'])
            elif fields['kind'] == 'clips':
                return fields, self._copy(fields)
            else:
                return fields, None

    def _ask(self, what: Union[Task, int]) -> None:
        with suppress(OSError):  # if it died, that is noticed when it is listened to
            ask(self.socket, what)

    def _hear(self) -> Dict[str, Any]:
        try:
            return hear(self.socket)
        except EOFError as error:
            if self._ready:
                raise
            raise RuntimeError(
                f'the decoding process cannot be started ({self.epitaph()}): see what '
                f'`{os.fsdecode(spawn.get_executable())} {_CHILD}` printed above'
            ) from error

    def _map(self, size: int) -> None:
        try:
            _, files, _, _ = socket.recv_fds(self.socket, 1, 1)
        except ConnectionError as error:
            raise EOFError from error
        if not files:
            raise EOFError
        self._memory = mmap.mmap(files[0], size, prot=mmap.PROT_READ)
        os.close(files[0])

    def _copy(self, fields: Dict[str, Any]) -> np.ndarray:
        """Take frames out of the shared memory, so that their slot is free again."""
        count = math.prod(fields['shape'])
        frames = np.frombuffer(self._memory, np.uint8, count, fields['start']).copy()
        self._ask(fields['slot'])
        return frames.reshape(fields['shape'])

    def epitaph(self) -> str:
        """How it died."""
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # it closed its socket and lives
            self.stop()
            code = self._process.returncode
        if code >= 0:
            return f'exit code {code}'
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f'signal {-code}'


def _end(sock: socket.socket, process: subprocess.Popen, owner: int) -> None:
    sock.close()
    if owner == os.getpid():  # and not in a fork
        process.kill()
        process.wait()


class ApartVideo:
    """A video that another process reads; use it as a context.

    Args:
        item (VideoItem): The video.
        source (Source): How it becomes frames.
        clips (int): Clips of a chunk; 0 only opens the video.
        ahead (int): Chunks that may be ready before they are taken.

    Attributes:
        duration (float): Of the video, seconds.
        facts (dict): What else its reader says of it.

    Raises:
        BadSampleError: The file is missing, broken, shorter than a clip, or makes the
            decoder crash.
    """

    def __init__(
        self, item: VideoItem, source: Source, clips: int, ahead: int = 2
    ) -> None:
        self.item = item
        self._decoder: Optional[Decoder] = take()
        self._decoder.give(Task(item, source, clips, ahead, os.getcwd()))
        fields, _ = self._receive()
        self.duration, self._total = fields['duration'], fields['total']
        self.facts = fields['facts']
        if not clips:
            self._receive()  # that it is done

    def __len__(self) -> int:
        """Clips of the video."""
        return self._total

    def __enter__(self) -> 'ApartVideo':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def chunks(self) -> Iterator[np.ndarray]:
        """Frames (n, ...) uint8 of all clips in order; can be read once.

        Raises:
            BadSampleError: The video breaks off, or makes the decoder crash.
        """
        taken = 0
        try:
            while self._decoder is not None:
                _, frames = self._receive()
                if frames is None:
                    break
                taken += len(frames)
                if taken == self._total:
                    self._receive()  # that it is done: who has all asks no further
                yield frames
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading. A process that is not done with the video is ended."""
        if self._decoder is not None:
            self._decoder.stop()
            self._decoder = None

    def _receive(self) -> Tuple[Dict[str, Any], Optional[np.ndarray]]:
        decoder = self._decoder
        assert decoder is not None
        try:
            fields, frames = decoder.receive()
        except EOFError as error:
            self._decoder = None
            raise BadSampleError(explain_death(self.item, decoder)) from error
        except BaseException:  # half an answer may be on its way
            self.close()
            raise
        if fields['kind'] in ('failed', 'done'):
            self._decoder = None
            give_back(decoder)
        if fields['kind'] == 'failed':
            raise BadSampleError(fields['reason'])
        return fields, frames


class ApartFrames:
    """Frames of a video that another process takes; nothing of it stays open.

    Args:
        item (VideoItem): The video.
        source (FrameSource): One frame a clip.

    Attributes:
        duration (float): Of the video, seconds.

    Raises:
        BadSampleError: As :class:`ApartVideo`.
    """

    def __init__(self, item: VideoItem, source: FrameSource) -> None:
        self.item, self.source = item, source
        with ApartVideo(item, source, 0) as video:
            self.duration, self._total = video.duration, len(video)

    def __len__(self) -> int:
        """Clips of the video."""
        return self._total

    def take(self, clips: Sequence[int]) -> np.ndarray:
        """Frames (n, 3, size, size) uint8 of any clips, ascending.

        Raises:
            BadSampleError: The video breaks off, or makes the decoder crash.
        """
        source = ChosenSource(self.source, tuple(clips))
        with ApartVideo(self.item, source, _CHUNK) as video:
            return np.concatenate(list(video.chunks()))


def explain_death(item: VideoItem, decoder: Decoder) -> str:
    """What to say of the video at which a process died."""
    how = decoder.epitaph()
    decoder.stop()
    remedy = 'it is damaged: re-encode it with ffmpeg, or leave it out'
    if how == 'SIGKILL':
        remedy = 'somebody killed it, or the memory was full'
    name = name_video(item.path, item.video_id)
    return f'{name} ended the process that decoded it ({how}); {remedy}'


def take() -> Decoder:
    """A process that waits, or else a new one."""
    while _idle:
        decoder = _idle.pop()
        if decoder.usable:
            return decoder
        decoder.stop()
    return Decoder()


def give_back(decoder: Decoder) -> None:
    """Let a process that has done all that it was given wait for the next one."""
    if len(_idle) < _KEPT:
        _idle.append(decoder)
    else:
        decoder.stop()
