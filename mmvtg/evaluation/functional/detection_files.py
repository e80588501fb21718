"""Temporal action detection files (ActivityNet's layout) -> flat arrays.

Ground truth: ``{'database': {video: {'subset', 'annotations': [{'segment': [start s,
end s], 'label'}]}}}``. Detections: ``{'results': {video: [{'segment', 'score',
'label'}]}}``; proposals have no label. Known variants are read as well: numbers as
text, ``label_id``, subsets in any case.
"""

from dataclasses import dataclass
from typing import (
    Any,
    Collection,
    Dict,
    Hashable,
    List,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from .packing import SubmissionError


@dataclass(frozen=True)
class Segments:
    """N labelled segments of many videos.

    Args:
        videos (list): (N,) ids.
        labels (list): (N,) names, None for proposals.
        spans (ndarray): (N, 2) float64, s.
        scores (ndarray): (N,) float64, 1 for annotations.
    """

    videos: List[str]
    labels: List[Optional[Hashable]]
    spans: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, keep: np.ndarray) -> 'Segments':
        """The segments of a bool or integer index."""
        rows = np.arange(len(self))[keep]
        return Segments(
            [self.videos[i] for i in rows],
            [self.labels[i] for i in rows],
            self.spans[rows],
            self.scores[rows],
        )


def read_annotated_segments(
    content: Dict[str, Any],
    subset: Union[None, str, Collection[str]] = 'validation',
    blocked: Collection[str] = (),
    deduplicate: bool = False,
) -> Segments:
    """The annotations of a subset.

    Args:
        content (dict): The file.
        subset (str | Collection[str], optional): Name, or names; None: all videos.
        blocked (Collection[str]): Videos to leave out, as they no longer exist.
        deduplicate (bool): Leave out segments without length, and such as repeat one of
            the same label with both ends within a millisecond (OpenTAD, ActionFormer).
            The official evaluator keeps them.

    Raises:
        SubmissionError: If a segment is malformed, or the subset has none.
    """
    names = [subset] if isinstance(subset, str) else subset
    wanted = None if names is None else {name.lower() for name in names}
    rows = []
    for video, entry in _objects(content, 'database', 'ground truth').items():
        if not isinstance(entry, dict):
            raise SubmissionError(f'ground truth: video {video!r} is not a JSON object')
        inside = wanted is None or str(entry.get('subset')).lower() in wanted
        if inside and video not in blocked:
            segments = [
                _segment(item, f'ground truth: video {video!r}')
                for item in entry.get('annotations') or []
            ]
            if deduplicate:
                segments = _without_repeats(segments)
            rows += [(video, label, *span, 1.0) for label, span in segments]
    if not rows:
        found = sorted({str(e.get('subset')) for e in content['database'].values()})
        raise SubmissionError(
            f'ground truth: subset {subset!r} has no annotated segment; the file has '
            f'subsets {found}'
        )
    return flat_segments(rows)


def read_detected_segments(content: Dict[str, Any]) -> Segments:
    """All detections (or proposals) of a file, in its order.

    Args:
        content (dict): The file.

    Raises:
        SubmissionError: If a segment or score is malformed.
    """
    rows = []
    for video, items in _objects(content, 'results', 'detections').items():
        where = f'detections: video {video!r}'
        if not isinstance(items, list):
            raise SubmissionError(f'{where} has no list of segments')
        for item in items:
            label, span = _segment(item, where)
            score = _number(item.get('score'), where, item)
            rows.append((video, label, *span, score))
    return flat_segments(rows)


def flat_segments(rows: Sequence[tuple]) -> Segments:
    """Of rows (video, label, start s, end s, score)."""
    numbers = np.array([row[2:] for row in rows], dtype=np.float64).reshape(-1, 3)
    return Segments(
        [row[0] for row in rows],
        [row[1] for row in rows],
        numbers[:, :2],
        numbers[:, 2],
    )


def _objects(content: Any, key: str, what: str) -> dict:
    inner = content.get(key) if isinstance(content, dict) else None
    if not isinstance(inner, dict):
        raise SubmissionError(
            f'{what}: there is no object "{key}"; the file must have ActivityNet\'s '
            'layout'
        )
    return inner


def _segment(item: dict, where: str) -> Tuple[Optional[Hashable], List[float]]:
    segment = item.get('segment') if isinstance(item, dict) else None
    if not isinstance(segment, (list, tuple)) or len(segment) != 2:
        raise SubmissionError(f'{where}: segment of {item!r} is not [start, end]')
    label = item.get('label')
    if label is None:
        label = item.get('label_id')
    return label, [_number(value, where, item) for value in segment]


def _number(value: Any, where: str, item: dict) -> float:
    try:
        number = float(value)  # some files have text
    except (TypeError, ValueError):
        number = float('nan')
    if not np.isfinite(number):
        raise SubmissionError(f'{where}: {value!r} in {item!r} is not a finite number')
    return number


def _without_repeats(segments: List[tuple], tolerance: float = 1e-3) -> List[tuple]:
    kept: List[tuple] = []
    for label, (start, end) in segments:
        repeats = any(
            label == other
            and abs(start - span[0]) <= tolerance
            and abs(end - span[1]) <= tolerance
            for other, span in kept
        )
        if end - start > 0 and not repeats:
            kept.append((label, [start, end]))
    return kept
