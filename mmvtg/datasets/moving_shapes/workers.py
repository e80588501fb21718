"""A function over many tasks in several processes."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Callable, Iterator, Optional, Sequence, Tuple, TypeVar

import cv2

_IN_PROCESS_BELOW = 60
Task, Result = TypeVar('Task'), TypeVar('Result')


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    num_workers: Optional[int] = None,
) -> Iterator[Tuple[int, Result]]:
    """Yield (place of the task, result) in the order of completion.

    Args:
        function: importable, so that a fresh process finds it.
        tasks: arguments, one for each call.
        num_workers: processes; 0 works in this one; None takes the cores that this
            process may use, or none of them for less than 60 tasks.
    """
    if num_workers is None:
        num_workers = 0 if len(tasks) < _IN_PROCESS_BELOW else _usable_cores()
    if num_workers <= 0:
        for place, task in enumerate(tasks):
            yield place, function(task)
        return
    context = multiprocessing.get_context('spawn')
    pool = ProcessPoolExecutor(num_workers, context, _start_worker)
    try:
        with _without_interrupts():
            places = {pool.submit(function, task): i for i, task in enumerate(tasks)}
        for future in as_completed(places):
            yield places[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let processes that start in this block ignore Ctrl-C; their parent ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread may change signals.
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _usable_cores() -> int:
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_worker() -> None:
    """One thread per worker; no worker outlives a killed parent."""
    cv2.setNumThreads(1)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)
