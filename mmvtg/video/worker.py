"""The work of a decoding process; :mod:`mmvtg.video.processes` starts it."""

import gc
import os
import resource
import signal
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from . import image_folder, pyav_reader  # noqa: F401 so that forks load nothing
from .decoding import Event, Failed, decode_here


def serve(pipe: Connection, clock: Any, parent: int) -> None:
    """Decode for the process at the other end of a pipe, until it is closed.

    Args:
        pipe (Connection): Brings an item, a source and a number of clips per video, and
            takes events; None after the last one.
        clock (Value): Time of the last progress, monotonic seconds.
        parent (int): Process id of the other end.
    """
    # Objects of the parent may wait for threads that only the parent has.
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not what the parent does then
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def tick() -> None:
        clock.value = time.monotonic()

    def send(event: Event | None) -> None:
        tick()
        try:
            pipe.send(event)
        except OSError:
            os._exit(0)  # nobody listens
        tick()

    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    while True:
        try:
            item, source, clips = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)  # what the parent registered to run at its exit is not for us
        for event in decode_here(item, source, clips, tick):
            send(event)
            if isinstance(event, Failed):
                break
        else:
            send(None)


def _end_with(parent: int) -> None:
    """End this process soon after its parent, however that ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)
