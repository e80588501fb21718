"""ActivityNet's JSON layout -> videos with labelled segments."""

import math
from typing import Any, Collection, Dict, Iterator, List, Optional, Sequence, Union

import numpy as np

from .converters.json_files import read_videos
from .errors import AnnotationError


def read_detection_annotations(
    path: str, subset: Union[None, str, Collection[str]] = None
) -> Dict[str, dict]:
    """The videos of a subset.

    Args:
        path (str): ``{'database': {video: {'duration' (s), 'subset', 'annotations':
            [{'segment': [start s, end s], 'label'}]}}}``; ``.gz`` allowed. Numbers may
            be text.
        subset (str | Collection[str], optional): Name, or names, in any case; None: all
            videos.

    Returns:
        dict: video id -> ``duration`` (float, s), ``segments`` (N, 2) float64 s,
        ``names`` (list of N labels).

    Raises:
        AnnotationError: Something is missing or malformed; the message names file and
            video.
    """
    database = read_videos(path).get('database')
    if not isinstance(database, dict):
        raise AnnotationError(
            f"{path}: there is no object 'database'; the file must have ActivityNet's "
            'layout'
        )
    wanted = _subsets(subset)
    videos = {
        str(video): _read_video(entry, f'{path}: video {video!r}')
        for video, entry in database.items()
        if wanted is None or _subset_of(entry) in wanted
    }
    if not videos:
        found = sorted({_subset_of(entry) for entry in database.values()})
        raise AnnotationError(
            f'{path}: subset {subset!r} has no video; the file has {found}'
        )
    return videos


def all_class_names(path: str) -> List[str]:
    """Labels of all videos of a file, sorted; errors as when reading it."""
    videos = read_detection_annotations(path).values()
    return sorted({name for entry in videos for name in entry['names']})


def _subsets(subset: Union[None, str, Collection[str]]) -> Optional[set]:
    if subset is None:
        return None
    return {name.lower() for name in ([subset] if isinstance(subset, str) else subset)}


def _subset_of(entry: Any) -> str:
    return str(entry.get('subset')).lower() if isinstance(entry, dict) else ''


def _read_video(entry: Any, where: str) -> dict:
    if not isinstance(entry, dict):
        raise AnnotationError(f'{where} is not a JSON object')
    duration = _number(entry.get('duration'))
    if duration is None or duration <= 0:
        raise AnnotationError(
            f'{where}: duration = {entry.get("duration")!r} is no positive number'
        )
    items = entry.get('annotations') or []
    segments, names = [], []
    for index, item in enumerate(items):
        segment = item.get('segment') if isinstance(item, dict) else None
        ends = segment if isinstance(segment, (list, tuple)) else ()
        ends = [_number(value) for value in ends]
        if len(ends) != 2 or None in ends:
            raise AnnotationError(
                f'{where}: annotations[{index}] has segment {segment!r}, want '
                '[start, end] in seconds'
            )
        if item.get('label') is None:
            raise AnnotationError(f'{where}: annotations[{index}] has no label')
        segments.append(ends)
        names.append(str(item['label']))
    segments = np.asarray(segments, dtype=np.float64).reshape(-1, 2)
    return dict(duration=duration, segments=segments, names=names)


def _number(value: Any) -> Optional[float]:
    try:
        number = float(value)  # some files have text
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def segment_problem(segment: Sequence[float], duration: float) -> Optional[str]:
    """Why nothing can be learned from a segment (s), or None.

    Ends behind the video are no such reason: they are cut off.
    """
    start, end = segment
    if end <= start:
        return 'ends before it starts, or has no length'
    if start >= duration or end <= 0:
        return f'lies outside of the video (0 to {duration:g} s)'
    return None


def names_by_segment(video: dict) -> Dict[tuple, set]:
    """(start, end) -> names of the instances that have these very ends."""
    places: Dict[tuple, set] = {}
    for segment, name in zip(video['segments'].tolist(), video['names']):
        places.setdefault(tuple(segment), set()).add(name)
    return places


def shared_names(
    video: dict, names: Sequence[str], unseen: Sequence[str]
) -> Iterator[str]:
    """'unseen class = class' for each segment of a video that has both."""
    for found in names_by_segment(video).values():
        for one in sorted(found.intersection(unseen)):
            for other in sorted(found.intersection(names)):
                yield f'{one} = {other}'
