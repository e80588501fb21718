"""Processes that run models, so that a question that hangs can be ended."""

import multiprocessing
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from queue import LifoQueue
from typing import Any

from answering import Answer, Models, Trouble, ask, check_query

from mmvtg.utils import register_all_modules

# gradio has threads, which a fork would not copy
_CONTEXT: Any = multiprocessing.get_context('spawn')
_LOADING = 900.0  # seconds in which a worker must start and load a model


class Workers:
    """Processes with the models; each runs one question at a time.

    A process starts with its first question, and a new one takes the place of a process
    that was ended. The one that answered last is used first, as its models are loaded.

    Args:
        sources (Sequence[tuple]): (config or name, weights or None) of each model.
        device (str, optional): Default is an accelerator if there is one.
        count (int): Processes, each with models of its own.
        deadline (float): Seconds for one question.
        top_k (int): Moments of an answer.
    """

    def __init__(
        self,
        sources: Sequence[tuple[str, str | None]],
        device: str | None = None,
        count: int = 2,
        deadline: float = 120.0,
        top_k: int = 5,
    ) -> None:
        self.names = Models(sources).names
        self.count = count
        self._workers = [
            _Worker((sources, device, top_k), deadline) for _ in range(count)
        ]
        self._idle: LifoQueue[_Worker] = LifoQueue()
        for worker in reversed(self._workers):
            self._idle.put(worker)

    def load(self, name: str) -> None:
        """Load a model in one of the processes.

        Raises:
            Trouble: If the model cannot be loaded.
        """
        self._run((name, None, None))

    def ask(self, name: str, video: str, query: str) -> Answer:
        """Return the answer of a model.

        Raises:
            Trouble: If the query is bad, the video cannot be used, or the answer takes
                longer than the deadline.
        """
        answer = self._run((name, video, check_query(query)))
        assert answer is not None
        return answer

    def _run(self, task: tuple) -> Answer | None:
        worker = self._idle.get()
        try:
            return worker.run(task)
        finally:
            self._idle.put(worker)

    def stop(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.stop()


class _Worker:
    def __init__(self, settings: tuple, deadline: float) -> None:
        self._settings, self._deadline = settings, deadline
        self._process: Any = None
        self._pipe: Connection | None = None

    def run(self, task: tuple) -> Answer | None:
        """Run one task in the process."""
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._pipe is not None
        done = False
        try:
            self._pipe.send(task)
            self._receive(_LOADING)  # the model is loaded
            answer = self._receive(self._deadline) if task[1] else None
            done = True
            return answer
        except Trouble as trouble:
            done = not isinstance(trouble, _Ended)
            raise
        finally:
            if not done:
                self.stop()

    def _start(self) -> None:
        self.stop()
        self._pipe, other = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_serve, args=(other, *self._settings), daemon=True
        )
        self._process.start()
        other.close()

    def _receive(self, seconds: float) -> Any:
        assert self._pipe is not None
        if not self._pipe.poll(seconds):
            raise _Ended(
                f'no answer in {seconds:.0f} s: the question was ended; try a shorter '
                'video'
            )
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise _Ended(
                'the process that answered ended; the video may be damaged, or the '
                'memory was full'
            ) from error
        if isinstance(answer, Trouble):
            raise answer
        return answer

    def stop(self) -> None:
        """End the process; the next task starts another one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process, self._pipe = None, None


class _Ended(Trouble):
    """A question after which the process cannot be used any more."""


def _serve(pipe: Connection, sources: Sequence, device: str | None, top_k: int) -> None:
    """Answer questions until the pipe is closed."""
    register_all_modules()
    models = Models(sources, device)
    while True:
        try:
            name, video, query = pipe.recv()
        except EOFError:
            return
        try:
            model = models[name]
            pipe.send(None)
            if video:
                pipe.send(ask(model, video, query, top_k))
        except Trouble as trouble:
            pipe.send(Trouble(str(trouble)))
        except Exception:  # a fault of the code: its traceback is for the operator
            traceback.print_exc(file=sys.stderr)
            pipe.send(Trouble('this question cannot be answered'))
