"""Submissions and annotations -> padded arrays, with everything wrong said by name."""

from contextlib import suppress
from dataclasses import dataclass
from typing import (
    Any,
    Dict,
    Hashable,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np


class SubmissionError(ValueError):
    """A submission (or its ground truth) cannot be evaluated; says which query."""


def index_by_qid(entries: Iterable[dict], what: str) -> Dict[Hashable, dict]:
    """``{qid: entry}`` in the order of the entries.

    Args:
        entries (Iterable[dict]): Lines of a submission or of a ground truth file.
        what (str): 'submission' or 'ground truth', for messages.

    Raises:
        SubmissionError: If an entry has no qid or a qid occurs twice.
    """
    indexed: Dict[Hashable, dict] = {}
    for number, entry in enumerate(entries, 1):
        if 'qid' not in entry:
            raise SubmissionError(f'{what}: entry {number} has no "qid"')
        qid = entry['qid']
        if qid in indexed:
            raise SubmissionError(
                f'{what}: qid {qid!r} occurs more than once (again in entry {number}); '
                'keep one entry a query'
            )
        indexed[qid] = entry
    return indexed


def check_same_qids(pred: Dict, gt: Dict) -> None:
    """Refuse to average over part of the queries.

    Raises:
        SubmissionError: If a query is missing or not in the ground truth.
    """
    missing = [qid for qid in gt if qid not in pred]
    extra = [qid for qid in pred if qid not in gt]
    if missing:
        raise SubmissionError(
            f'submission: {len(missing)} of {len(gt)} queries are missing, the first '
            f'is qid {missing[0]!r}; predict every query of the ground truth'
        )
    if extra:
        raise SubmissionError(
            f'submission: {len(extra)} queries are not in the ground truth, the first '
            f'is qid {extra[0]!r}; is it the right split?'
        )


@dataclass(frozen=True)
class Padded:
    """Values (Q, N, ...) and mask (Q, N) bool, True for real entries."""

    values: np.ndarray
    mask: np.ndarray


def pad_rows(
    rows: Sequence[Sequence], qids: Sequence[Hashable], width: int, what: str
) -> Padded:
    """Lists of rows of numbers -> one array.

    Args:
        rows (Sequence): One list of rows a query; each row has ``width`` numbers.
        qids (Sequence): Of the same queries, for messages.
        width (int): Numbers a row; 0 if the rows are plain numbers.
        what (str): Name of the field, for messages.

    Raises:
        SubmissionError: If a list is empty, a row is malformed or not finite.
    """
    lengths = np.array([len(row) for row in rows], dtype=int)
    if len(lengths) and lengths.min() == 0:
        raise SubmissionError(f'qid {qids[int(lengths.argmin())]!r}: {what} is empty')
    shape = (int(lengths.sum()), width) if width else (int(lengths.sum()),)
    flat: Optional[np.ndarray] = None
    with suppress(TypeError, ValueError):  # what is wrong is looked for below
        flat = np.array([row for query in rows for row in query], dtype=np.float64)
    if flat is None or (flat.shape != shape and len(lengths)):
        raise SubmissionError(_find_malformed(rows, qids, width, what))
    flat = flat.reshape(shape)
    bad = ~np.isfinite(flat).reshape(len(flat), -1).all(axis=1)
    if bad.any():
        qid = qids[int(np.repeat(np.arange(len(rows)), lengths)[bad.argmax()])]
        raise SubmissionError(
            f'qid {qid!r}: {what} holds {flat[bad.argmax()].tolist()}; only finite '
            'numbers can be ranked'
        )
    mask = np.arange(max(lengths, default=0)) < lengths[:, None]
    values = np.zeros((*mask.shape, *shape[1:]))
    values[mask] = flat
    return Padded(values, mask)


def _find_malformed(rows: Sequence, qids: Sequence, width: int, what: str) -> str:
    wanted = f'{width} numbers' if width else 'a number'
    for qid, query in zip(qids, rows):
        for number, row in enumerate(query):
            try:
                fine = np.array(row, dtype=np.float64).shape == ((width,) * bool(width))
            except (TypeError, ValueError):
                fine = False
            if not fine:
                return f'qid {qid!r}: {what}[{number}] = {row!r} is not {wanted}'
    return f'{what}: rows are not {wanted} each'


def pad_groups(
    rows: np.ndarray, wanted: np.ndarray, block: int = 256
) -> Iterator[Tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Bring together what has the same group number, some groups at a time.

    Args:
        rows (ndarray): (M,) group numbers; those not in ``wanted`` are left out.
        wanted (ndarray): (N,) group numbers.
        block (int): Groups at a time; groups of like sizes, so that few are padded.

    Yields:
        tuple: (Q,) group numbers, (Q, R) indices into ``rows`` and (Q, G) indices into
        ``wanted``, both in rising order, -1 behind the last.
    """
    groups, counts = np.unique(wanted, return_counts=True)
    row_order = np.argsort(rows, kind='stable')
    order = np.argsort(wanted, kind='stable')
    starts = np.searchsorted(rows[row_order], groups)
    ends = np.searchsorted(rows[row_order], groups, side='right')
    first = np.cumsum(counts) - counts
    by_size = np.argsort(ends - starts, kind='stable')
    for at in range(0, len(groups), block):
        some = by_size[at : at + block]
        yield (
            groups[some],
            _ranges(row_order, starts[some], ends[some]),
            _ranges(order, first[some], first[some] + counts[some]),
        )


def _ranges(values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(Q, longest) ``values[start:end]`` in rows, -1 behind."""
    index = starts[:, None] + np.arange((ends - starts).max(initial=0))
    inside = index < ends[:, None]
    if not len(values):
        return np.full(index.shape, -1)
    return np.where(inside, values[np.minimum(index, len(values) - 1)], -1)


def field_of(entries: Sequence[dict], key: str) -> List[Any]:
    """The field of every entry.

    Raises:
        SubmissionError: If an entry has not got it.
    """
    for entry in entries:
        if entry.get(key) is None:
            raise SubmissionError(f'qid {entry["qid"]!r} has no "{key}", others have')
    return [entry[key] for entry in entries]


def needed(entry: dict, key: str) -> Any:
    """A field of an annotation.

    Raises:
        SubmissionError: If the annotation has not got it.
    """
    if entry.get(key) is None:
        raise SubmissionError(f'ground truth: qid {entry.get("qid")!r} has no "{key}"')
    return entry[key]


def percent(fraction: float) -> float:
    """A fraction as percentage with two decimals, as the official evaluators print."""
    return float(f'{100 * fraction:.2f}')
