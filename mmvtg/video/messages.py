"""What the process that decodes and the one that asked it say to each other.

Tasks, and numbers of slots of shared memory that are free again, go there pickled. What
comes back is JSON: whatever a file does to the decoder, none of it is run here. Frames
lie in the shared memory. So nothing that was said before a crash is lost by it.
"""

import json
import pickle
import socket
import struct
from typing import Any, Dict, NamedTuple, Protocol, Union

import numpy as np

from .source import VideoItem

_HEAD = struct.Struct('>I')  # bytes of what follows


class Reader(Protocol):
    """An open video, such as :class:`mmvtg.video.readers.FrameReader`.

    May have ``facts``, a dict of plain values that are told to who asked.

    Attributes:
        duration (float): Of the video, seconds.
    """

    duration: float

    def __len__(self) -> int:
        """How many clips there are."""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Clips ``start`` to ``stop - 1``, (n, ...) uint8."""


class Source(Protocol):
    """How videos become frames, such as :class:`mmvtg.video.source.FrameSource`.

    It goes to the other process pickled; what its module imports is imported there,
    and ``mmvtg`` is ``mmvtg.video`` alone.
    """

    def open(self, item: VideoItem) -> Reader:
        """Open a video; raises BadSampleError."""


class Task(NamedTuple):
    """A video to decode.

    Args:
        item (VideoItem): The video.
        source (Source): How.
        clips (int): Clips of a chunk; 0 only opens the video.
        ahead (int): Chunks that may be ready before they are taken.
        folder (str): Where relative paths begin.
    """

    item: VideoItem
    source: Source
    clips: int
    ahead: int
    folder: str


def ask(sock: socket.socket, what: Union[Task, int]) -> None:
    """Hand over a task, or the number of a slot that is free again."""
    _send(sock, pickle.dumps(what))


def wait(sock: socket.socket) -> Union[Task, int]:
    """Wait for what :func:`ask` sends.

    Raises:
        EOFError: The other side is gone.
    """
    return pickle.loads(_receive(sock))


def say(sock: socket.socket, **fields: Any) -> None:
    """Answer with plain values."""
    _send(sock, json.dumps(fields).encode())


def hear(sock: socket.socket) -> Dict[str, Any]:
    """Wait for what :func:`say` sends.

    Raises:
        EOFError: The other side is gone.
    """
    return json.loads(_receive(sock))


def _send(sock: socket.socket, data: bytes) -> None:
    sock.sendall(_HEAD.pack(len(data)) + data)


def _receive(sock: socket.socket) -> bytes:
    (size,) = _HEAD.unpack(_receive_bytes(sock, _HEAD.size))
    return _receive_bytes(sock, size)


def _receive_bytes(sock: socket.socket, size: int) -> bytes:
    data = b''
    while len(data) < size:
        try:
            part = sock.recv(size - len(data))
        except ConnectionError as error:
            raise EOFError from error
        if not part:
            raise EOFError
        data += part
    return data
