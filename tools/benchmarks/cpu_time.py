"""Wall and CPU time of a block, all processes that it starts included (Linux)."""

import os
import threading
import time
from typing import Dict, Optional

_TICK = os.sysconf('SC_CLK_TCK')


class Stopwatch:
    """Measures a ``with`` block.

    On a machine that others use, too, wall time says little and CPU time is what to
    compare. Processes that end within a twentieth of a second may be missed.

    Attributes:
        wall (float): Seconds.
        cpu (float): Seconds of this process and of all below it.
    """

    def __enter__(self) -> 'Stopwatch':
        self._before, self._now = _ticks_by_process(), {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        self._start, self._own = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: Optional[object]) -> None:
        self.wall = time.perf_counter() - self._start
        self._now.update(_ticks_by_process())
        self._end.set()
        self._thread.join()
        spent = sum(t - self._before.get(pid, 0) for pid, t in self._now.items())
        self.cpu = spent / _TICK + time.process_time() - self._own

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            self._now.update(_ticks_by_process())


def _ticks_by_process() -> Dict[int, int]:
    """CPU ticks of the processes below this one."""
    parents, ticks = {}, {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open(f'/proc/{name}/stat') as file:
                fields = file.read().rpartition(')')[2].split()
        except OSError:  # it ended
            continue
        parents[int(name)] = int(fields[1])
        ticks[int(name)] = int(fields[11]) + int(fields[12])
    ours = {os.getpid()}
    while True:
        below = {pid for pid, parent in parents.items() if parent in ours} - ours
        if not below:
            return {pid: ticks[pid] for pid in ours - {os.getpid()}}
        ours |= below
