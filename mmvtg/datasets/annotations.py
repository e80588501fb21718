"""JSON lines in the schema of the moment retrieval benchmarks -> plain samples.

One object a line. ``qid``, ``query``, ``vid`` and ``duration`` (seconds) are needed;
``relevant_windows`` (seconds), ``relevant_clip_ids`` with ``saliency_scores``
(QVHighlights), ``label`` or ``match`` (one row a clip; TVSum, YouTube Highlights) and
``domain`` are read where present. Files may be gzip-compressed.
"""

import math
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from mmvtg.structures import MAX_DURATION, num_clips

from .errors import AnnotationError
from .ids import check_id, check_unique
from .json_lines import read_json_lines


def check_window(
    window: Sequence[float], duration: float, slack: float
) -> Optional[str]:
    """Say what is wrong with an annotated window, or return None.

    Args:
        window: ``(start, end)`` in seconds, as :func:`parse_sample` gives them.
        duration (float): Of the video, seconds.
        slack (float): How far an end may lie past the video, seconds.
    """
    start, end = window
    if end < start:
        return 'ends before it starts'
    if start < 0 or start >= duration or end > duration + slack:
        return f'lies outside of the video (0 to {duration:g} s)'
    return None


def parse_sample(item: dict, where: str, clip_length: float) -> Dict[str, Any]:
    """Turn one annotation object into a sample.

    Args:
        item (dict): The object.
        where (str): ``file:line``, for messages.
        clip_length (float): Seconds per row of the saliency annotation.

    Returns:
        dict: ``video_id, query_id, query, duration, moments (N, 2) s,
        annotator_scores (n, A) or None, saliency_clip_length, domain``.

    Raises:
        AnnotationError: A field is missing or malformed.
    """
    missing = [key for key in ('vid', 'query', 'duration') if item.get(key) is None]
    if missing:
        raise AnnotationError(f'{where}: field {missing[0]!r} is missing')
    query_id = item['vid'] if item.get('qid') is None else item['qid']
    check_id(item['vid'], 'vid', where)
    check_id(query_id, 'qid', where)
    duration = item['duration']
    if not _is_finite(duration) or duration <= 0:
        raise AnnotationError(
            f'{where}: duration = {duration!r} is not positive, or not a finite number'
        )
    if duration > MAX_DURATION:
        raise AnnotationError(
            f'{where}: duration = {duration!r} seconds is more than a week; is it in '
            'another unit?'
        )
    if not isinstance(item['query'], str):
        raise AnnotationError(f'{where}: query = {item["query"]!r} is not text')
    if not item['query'].strip():
        raise AnnotationError(f'{where}: the query is empty; write a sentence')
    scores = _annotator_scores(item, where, duration, clip_length)
    return dict(
        video_id=str(item['vid']),
        query_id=query_id,
        query=item['query'].strip(),
        duration=float(duration),
        moments=_moments(item.get('relevant_windows') or [], where),
        annotator_scores=scores,
        saliency_clip_length=clip_length,
        domain=item.get('domain'),
    )


def _is_finite(value: Any) -> bool:
    """Whether a JSON value is a number that float64 holds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # of a huge int
        return False


def _moments(windows: Any, where: str) -> np.ndarray:
    """(N, 2) seconds; order and limits of the windows are not looked at."""
    if not isinstance(windows, list):
        windows = [windows]  # is named below
    for index, window in enumerate(windows):
        if not isinstance(window, list) or len(window) != 2:
            raise AnnotationError(
                f'{where}: relevant_windows is not a list of [start, end]: '
                f'item {index} is {window!r}'
            )
        if not all(map(_is_finite, window)):
            raise AnnotationError(
                f'{where}: relevant_windows[{index}] = {window!r} is not a pair of '
                'finite numbers; correct or delete it'
            )
    return np.asarray(windows, dtype=np.float64).reshape(-1, 2)


def _score_rows(rows: Any, where: str, name: str) -> np.ndarray:
    """(n, A) float32 of n scores, or of n rows of A scores."""
    try:
        scores = np.asarray(rows)
        if scores.dtype.kind not in 'biuf':  # text, null, or nested further
            raise TypeError(f'values of type {scores.dtype}')
        with np.errstate(over='ignore'):
            scores = scores.astype(np.float32)
        if scores.ndim not in (1, 2) or not scores.size:
            raise ValueError(f'shape {scores.shape}')
        if not np.isfinite(scores).all():
            raise ValueError('not finite')
    except (TypeError, ValueError) as error:
        raise AnnotationError(
            f'{where}: {name} is not one number a clip, nor one row of equally many '
            f'numbers a clip ({error})'
        ) from error
    return scores.reshape(len(scores), -1)


def _annotator_scores(
    item: dict, where: str, duration: float, clip_length: float
) -> Optional[np.ndarray]:
    """(n, A) scores of A annotators for every clip, or None if there are none."""
    for name in ('match', 'label'):
        if item.get(name) is not None:
            return _score_rows(item[name], where, name)
    ids, scores = item.get('relevant_clip_ids'), item.get('saliency_scores')
    if ids is None or scores is None:
        return None
    length = _check_clip_ids(ids, where, duration, clip_length)
    if not isinstance(scores, list) or len(ids) != len(scores):
        count = len(scores) if isinstance(scores, list) else repr(scores)
        raise AnnotationError(
            f'{where}: {len(ids)} relevant_clip_ids but {count} saliency_scores'
        )
    if not ids:
        return np.zeros((length, 1), dtype=np.float32)
    rows = _score_rows(scores, where, 'saliency_scores')
    dense = np.zeros((length, rows.shape[1]), dtype=np.float32)
    dense[np.asarray(ids, dtype=int)] = rows
    return dense


def _check_clip_ids(ids: Any, where: str, duration: float, clip_length: float) -> int:
    """How many clips there are, having seen that the ids are some of them."""
    # QVHighlights counts the rest of a clip, and one past it is forgiven.
    last = math.ceil(duration / clip_length)
    if not isinstance(ids, list):
        raise AnnotationError(f'{where}: relevant_clip_ids = {ids!r} is not a list')
    for index in ids:
        whole = isinstance(index, int) and not isinstance(index, bool)
        if not whole or not 0 <= index <= last:
            raise AnnotationError(
                f'{where}: relevant_clip_ids has {index!r}, want whole numbers from 0 '
                f'to {last} ({duration:g} s, {clip_length:g} s a clip)'
            )
    return max([int(duration / clip_length), *[index + 1 for index in ids]])


def read_annotations(path: str, clip_length: float) -> List[Dict[str, Any]]:
    """All samples of a JSON lines file; each knows its ``where`` (``file:line``).

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A line is malformed, or two lines have the same query id.
    """
    samples = []
    seen: Dict[str, str] = {}
    for number, item in read_json_lines(path):
        where = f'{path}:{number}'
        sample = dict(parse_sample(item, where, clip_length), where=where)
        check_unique(sample, seen)
        samples.append(sample)
    return samples


def expected_clips(sample: dict) -> int:
    """How many clips the annotation says that the features of a sample have.

    Sets with labels but without moments count their labels: what TVSum's files call a
    duration is a number of clips.
    """
    scores = sample.get('annotator_scores')
    if scores is not None and len(sample['moments']) == 0:
        return len(scores)
    return num_clips(sample['duration'], sample['fps'])
