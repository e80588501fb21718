"""The process that decodes for another one: ``python child.py SOCKET SYS_PATH``.

It imports numpy, Pillow and decord, which takes a tenth of a second and 50 MB, where
mmvtg with torch takes seconds and 400 MB. It ends with the process that started it.
"""

import json
import os
import resource
import signal
import socket
import sys
import threading
import time
import types


def main(number: str, paths: str) -> None:
    """Decode for the process at the other end of a socket until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for the other process to handle
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # crashes are expected
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    sys.path[:] = json.loads(paths)
    # in the place of mmvtg/__init__.py, which would import torch
    package = types.ModuleType('mmvtg')
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules['mmvtg'] = package
    from mmvtg.video.serving import serve

    try:
        serve(socket.socket(fileno=int(number)))
    except (EOFError, ConnectionError):
        os._exit(0)  # the threads of the decoder need not be asked


def _watch(parent: int) -> None:
    """End with the parent, also if a fork of it keeps the socket open."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


if __name__ == '__main__':
    main(*sys.argv[1:])
