"""JSON lines in the schema of the moment retrieval benchmarks -> plain samples.

One object a line. ``qid``, ``query``, ``vid`` and ``duration`` (seconds) are needed;
``relevant_windows`` (seconds), ``relevant_clip_ids`` with ``saliency_scores``
(QVHighlights), ``label`` or ``match`` (one row a clip; TVSum, YouTube Highlights) and
``domain`` are read where present. Files may be gzip-compressed.
"""

import gzip
import json
import math
import os.path as osp
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from mmvtg.structures import num_clips

from .errors import AnnotationError


def read_json_lines(path: str) -> Iterator[Tuple[int, dict]]:
    """Yield (line number, object) of a JSON lines file, ``.gz`` allowed.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A line is not a JSON object.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'annotation file {path} does not exist; check ann_file and data_root'
        )
    opener = gzip.open if path.endswith('.gz') else open
    with opener(path, 'rt', encoding='utf-8') as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except json.JSONDecodeError as error:
                raise AnnotationError(
                    f'{path}:{number}: not valid JSON ({error}); a line that was cut '
                    'off often means an incomplete download'
                ) from error
            if not isinstance(item, dict):
                raise AnnotationError(f'{path}:{number}: not a JSON object')
            yield number, item


def check_window(window: Any, duration: float, slack: float) -> Optional[str]:
    """Say what is wrong with an annotated window, or return None.

    Args:
        window: ``[start, end]`` in seconds.
        duration (float): Of the video, seconds.
        slack (float): How far an end may lie past the video, seconds.
    """
    try:
        start, end = (float(value) for value in window)
    except (TypeError, ValueError):
        return 'is not a pair of numbers'
    if not (math.isfinite(start) and math.isfinite(end)):
        return 'is not finite'
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
    duration = item['duration']
    if not isinstance(duration, (int, float)) or not duration > 0:
        raise AnnotationError(f'{where}: duration = {duration!r} is not positive')
    if not str(item['query']).strip():
        raise AnnotationError(f'{where}: the query is empty; write a sentence')
    windows = item.get('relevant_windows') or []
    try:
        moments = np.asarray(windows, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise AnnotationError(
            f'{where}: relevant_windows = {windows!r} is not a list of [start, end]'
        ) from error
    scores = _annotator_scores(item, where, duration, clip_length)
    return dict(
        video_id=str(item['vid']),
        query_id=item.get('qid', item['vid']),
        query=str(item['query']).strip(),
        duration=float(duration),
        moments=moments,
        annotator_scores=scores,
        saliency_clip_length=clip_length,
        domain=item.get('domain'),
    )


def _annotator_scores(
    item: dict, where: str, duration: float, clip_length: float
) -> Optional[np.ndarray]:
    """(n, A) scores of A annotators for every clip, or None if there are none."""
    rows = item.get('match', item.get('label'))
    if rows is not None:
        scores = np.asarray(rows, dtype=np.float32)
        return scores.reshape(len(scores), -1)
    ids, scores = item.get('relevant_clip_ids'), item.get('saliency_scores')
    if ids is None or scores is None:
        return None
    if len(ids) != len(scores):
        raise AnnotationError(
            f'{where}: {len(ids)} relevant_clip_ids but {len(scores)} saliency_scores'
        )
    length = max([int(duration / clip_length), *[index + 1 for index in ids]])
    if not ids:
        return np.zeros((length, 1), dtype=np.float32)
    scores = np.asarray(scores, dtype=np.float32).reshape(len(ids), -1)
    dense = np.zeros((length, scores.shape[1]), dtype=np.float32)
    dense[np.asarray(ids, dtype=int)] = scores
    return dense


def read_annotations(path: str, clip_length: float) -> List[Dict[str, Any]]:
    """All samples of a JSON lines file; each knows its ``where`` (``file:line``)."""
    samples = []
    for number, item in read_json_lines(path):
        where = f'{path}:{number}'
        samples.append(dict(parse_sample(item, where, clip_length), where=where))
    return samples


def expected_clips(sample: dict) -> int:
    """How many clips the annotation says that the features of a sample have.

    Sets with labels but without moments count their labels: what TVSum's files call a
    duration is a number of clips.
    """
    if len(sample['moments']) == 0 and sample['annotator_scores'] is not None:
        return len(sample['annotator_scores'])
    return num_clips(sample['duration'], sample['fps'])
