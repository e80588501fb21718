"""What every conversion does: collect lines, mend or drop windows, count, write."""

import json
import os.path as osp
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from mmvtg.datasets.annotations import parse_sample
from mmvtg.datasets.errors import AnnotationError
from mmvtg.datasets.ids import check_unique
from mmvtg.utils.files import write_atomic
from mmvtg.video.listing import VIDEO_SUFFIXES


@dataclass
class Conversion:
    """The lines of one split, and what was changed or left out on the way.

    Args:
        source (str): The file that is read, for messages.
        clamp (bool): Move window ends past the video to its end. Starts before the
            video always move to its start.
        reversed_windows (str): What becomes of ``end < start``: ``'swap'``, ``'drop'``
            the query, or ``'keep'``.
        drop_empty (bool): Drop queries with ``end == start``.
    """

    source: str
    clamp: bool = False
    reversed_windows: str = 'keep'
    drop_empty: bool = False
    lines: List[Dict[str, Any]] = field(default_factory=list)
    notes: Counter = field(default_factory=Counter)
    _seen: Dict[str, str] = field(default_factory=dict)

    def add(self, line: Dict[str, Any], where: str) -> None:
        """Take a line after the data set's own check of it.

        Args:
            line (dict): In the schema of :mod:`mmvtg.datasets.annotations`.
            where (str): ``file:line`` or ``file: video``, for messages.

        Raises:
            AnnotationError: A field is missing, malformed, or its id is taken.
        """
        sample = parse_sample(line, where, clip_length=2.0)
        check_unique(dict(sample, where=where), self._seen)
        self.lines.append(line)

    def window(
        self, start: Any, end: Any, duration: float, where: str
    ) -> Optional[List[float]]:
        """Mend a window as this conversion is told to.

        Args:
            start: Seconds, as the official file has it.
            end: Likewise.
            duration (float): Of the video, seconds.
            where (str): For messages.

        Returns:
            list | None: ``[start, end]``, or None if the query is to be dropped.

        Raises:
            AnnotationError: They are no numbers.
        """
        start, end = number(start, 'start', where), number(end, 'end', where)
        if end < start and self.reversed_windows != 'keep':
            self.notes[f'reversed windows: {self.reversed_windows}'] += 1
            if self.reversed_windows == 'drop':
                return None
            start, end = end, start
        if end == start and self.drop_empty:
            self.notes['windows without length: drop'] += 1
            return None
        if start < 0:
            self.notes['starts before the video: clamp'] += 1
            start = 0.0
            if end <= start:
                self.notes['windows before the video: drop'] += 1
                return None
        if self.clamp and end > duration:
            self.notes['ends past the video: clamp'] += 1
            end = duration
            if start >= end:
                self.notes['windows past the video: drop'] += 1
                return None
        return [start, end]

    def save(self, path: str) -> None:
        """Write the JSON lines file; it appears when whole.

        Raises:
            AnnotationError: There is nothing to write.
        """
        if not self.lines:
            why = self._notes() or 'does it have another format?'
            raise AnnotationError(f'{self.source}: no query is left ({why})')
        text = ''.join(
            json.dumps(line, ensure_ascii=False) + '\n' for line in self.lines
        )
        write_atomic(path, text.encode())

    def counts(self) -> Tuple[int, int, int]:
        """Queries, videos, windows."""
        windows = sum(len(line.get('relevant_windows') or []) for line in self.lines)
        return len(self.lines), len({line['vid'] for line in self.lines}), windows

    def summary(self) -> str:
        """What was read and what was changed, in a line or two."""
        queries, videos, windows = self.counts()
        text = f'{queries} queries, {videos} videos, {windows} windows'
        notes = self._notes()
        return f'{text} ({notes})' if notes else text

    def _notes(self) -> str:
        """Return the counts of changed and dropped items."""
        return '; '.join(f'{n} {note}' for note, n in sorted(self.notes.items()))


def plain_id(name: str) -> str:
    """Return the id of a video without the suffix of its file.

    Data sets append the suffix of their folder, which need not be the same.
    """
    stem, suffix = osp.splitext(name)
    return stem if suffix.lower() in VIDEO_SUFFIXES else name


def number(value: Any, name: str, where: str) -> float:
    """A JSON value as it is, if it is a number, or the number in a text.

    Raises:
        AnnotationError: It is none.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise AnnotationError(f'{where}: {name} = {value!r} is not a number') from error


def need(record: Any, names: Sequence[str], where: str) -> List[Any]:
    """Fields of a JSON object.

    Raises:
        AnnotationError: It is no object, or lacks one.
    """
    if not isinstance(record, dict):
        raise AnnotationError(f'{where}: not a JSON object')
    missing = [name for name in names if record.get(name) is None]
    if missing:
        raise AnnotationError(
            f'{where}: field {missing[0]!r} is missing; it has {sorted(record)[:8]}. '
            'Is this the right file?'
        )
    return [record[name] for name in names]
