"""What a run does to a store, and the report about it."""

import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Sequence, Tuple, TypeVar

from torch import Tensor
from tqdm import tqdm

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.pack_writer import PackWriter

from .feature_files import NpyFolder

_Event = TypeVar('_Event')


@dataclass
class ExtractionReport:
    """What became of the wanted features.

    Args:
        written (int): Items stored in this run.
        present (int): Items that were there.
        failed (dict): id -> reason.
        clips (int): Clips or tokens encoded in this run.
        seconds (float): Time of this run.
        waited (float): Seconds of it in which the tower waited for the decoder.
    """

    written: int = 0
    present: int = 0
    failed: Dict[str, str] = field(default_factory=dict)
    clips: int = 0
    seconds: float = 0.0
    waited: float = 0.0


class StoreRun:
    """A store that is being filled, and the report about it.

    Args:
        out_dir (str): The store.
        manifest (dict): How the features are made.
        layout (str): ``'npy'``, one file an item, or ``'pack'``.
        part (str): Part of the pack that this process writes.

    Raises:
        ValueError: Another layout, or the store holds features that were made
            otherwise.
        StoreBusyError: Another process writes this part of the pack.
    """

    def __init__(self, out_dir: str, manifest: dict, layout: str, part: str) -> None:
        if layout not in ('npy', 'pack'):
            raise ValueError(f"layout is {layout!r}, want 'npy' or 'pack'")
        if layout == 'npy':
            self.sink = NpyFolder(out_dir, manifest)
        else:
            self.sink = PackWriter(out_dir, manifest, part)
        self.report = ExtractionReport()
        self._started = time.monotonic()

    def missing(self, items: Sequence[Tuple]) -> List[Tuple]:
        """Items that are not in the store; the others are counted as present."""
        todo = []
        for item in items:
            try:
                if item[0] not in self.sink:
                    todo.append(item)
            except BadSampleError as error:
                self.report.failed[str(item[0])] = str(error)
        self.report.present = len(items) - len(todo) - len(self.report.failed)
        return todo

    def store(self, name: Any, rows: Tensor) -> None:
        """Store an item, or report why it cannot be.

        Raises:
            OSError: The store cannot be written.
        """
        try:
            self.sink.write(name, rows)
            self.report.written += 1
        except BadSampleError as error:
            self.report.failed[str(name)] = str(error)

    def __enter__(self) -> 'StoreRun':
        return self

    def __exit__(self, *error: Any) -> None:
        self.report.seconds = time.monotonic() - self._started
        self.sink.close()


def timed(events: Iterator[_Event], report: ExtractionReport) -> Iterator[_Event]:
    """The same events; the time that they let us wait is reported."""
    while True:
        before = time.monotonic()
        event = next(events, None)
        report.waited += time.monotonic() - before
        if event is None:
            return
        yield event


def progress_bar(total: int, report: ExtractionReport, what: str, shown: bool) -> tqdm:
    """Shows how many items are done, and when the rest will be."""
    text = f'{what} ({report.present} present)'
    unit = f' {what}'
    return tqdm(total=total, desc=text, disable=not shown, unit=unit, smoothing=0.1)
