"""Runs that fill a store, and reports of them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch import Tensor
from tqdm import tqdm

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.pack_writer import PackWriter

from .feature_files import NpyFolder

_Event = TypeVar('_Event')


@dataclass
class ExtractionReport:
    """Report of one run.

    Args:
        written (int): Number of items stored in this run.
        present (int): Number of items that were stored before.
        failed (dict): Item id -> reason.
        clips (int): Number of clips or tokens encoded in this run.
        seconds (float): Duration of this run, seconds.
        waited (float): Time in which the tower waited for the decoder, seconds.
    """

    written: int = 0
    present: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    clips: int = 0
    seconds: float = 0.0
    waited: float = 0.0


class StoreRun:
    """Context in which one process fills a store.

    Args:
        out_dir (str): Folder of the store.
        manifest (dict): Description of the features.
        layout (str): ``'npy'``, one file per item, or ``'pack'``.
        part (str): Part of the pack that this process writes.

    Raises:
        ValueError: If ``layout`` is unknown, or the store holds features that were made
            differently.
        StoreBusyError: If another process writes this part of the pack.
    """

    def __init__(self, out_dir: str, manifest: dict, layout: str, part: str) -> None:
        if layout not in ('npy', 'pack'):
            raise ValueError(f"layout must be 'npy' or 'pack', got {layout!r}")
        if layout == 'npy':
            self.sink = NpyFolder(out_dir, manifest)
        else:
            self.sink = PackWriter(out_dir, manifest, part)
        self.report = ExtractionReport()
        self._started = time.monotonic()

    def missing(self, items: Sequence[tuple]) -> list[tuple]:
        """Return the items that are not in the store; count the stored ones."""
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
        """Store an item (rows, ...), or report the reason of a failure.

        Raises:
            OSError: If the store cannot be written.
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
    """Yield the same events; add the time of waiting for them to the report."""
    while True:
        before = time.monotonic()
        event = next(events, None)
        report.waited += time.monotonic() - before
        if event is None:
            return
        yield event


def progress_bar(total: int, report: ExtractionReport, what: str, shown: bool) -> tqdm:
    """Return a bar of the items that are done, and of the time that is left."""
    text = f'{what} ({report.present} present)'
    unit = f' {what}'
    return tqdm(total=total, desc=text, disable=not shown, unit=unit, smoothing=0.1)
