"""Ego4D-NLQ: videos -> clips -> annotations -> language queries."""

import re
from typing import Any, Iterator, List

from mmvtg.datasets.errors import AnnotationError

from .conversion import Conversion, need, number
from .json_files import read_json

_LABEL = re.compile(r'^\s*query\s*text\s*:', re.IGNORECASE)


def convert_ego4d_nlq(path: str) -> Conversion:
    """Read ``nlq_{train,val}.json``, or the test file, whose queries have no windows.

    What other sets call a video is a clip here: ``vid`` is its ``clip_uid`` and times
    are relative to it. ``qid`` is ``{annotation_uid}_{query index}``; the parts that
    the official evaluator's files want (``clip_uid``, ``annotation_uid``,
    ``query_idx``) are kept. Windows without length and ends past the clip stay as they
    are. The label "Query Text:", which annotators left in some queries, is removed;
    queries without text cannot be used and are left out.

    Args:
        path (str): The official JSON file, ``.gz`` allowed.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A field is missing or malformed; file and clip are named.
    """
    result = Conversion(path)
    (videos,) = need(read_json(path), ['videos'], path)
    for video in _objects(videos, f'{path}: videos'):
        where = f'{path}: video {video.get("video_uid")!r}'
        for clip in _objects(*need(video, ['clips'], where), f'{where}, clips'):
            _add_clip(result, clip, f'{path}: clip {clip.get("clip_uid")!r}')
    return result


def _add_clip(result: Conversion, clip: dict, where: str) -> None:
    names = ['clip_uid', 'video_start_sec', 'video_end_sec', 'annotations']
    vid, start, end, annotations = need(clip, names, where)
    duration = number(end, 'video_end_sec', where)
    duration -= number(start, 'video_start_sec', where)
    for annotation in _objects(annotations, f'{where}, annotations'):
        uid, queries = need(annotation, ['annotation_uid', 'language_queries'], where)
        for index, query in enumerate(_objects(queries, f'{where}, queries')):
            text, labels = _LABEL.subn('', query.get('query') or '')
            result.notes.update({'labels "Query Text:": remove': 1} if labels else {})
            if not text.strip():
                result.notes['queries without text: drop'] += 1
                continue
            line = dict(
                qid=f'{uid}_{index}',
                query=text.strip(),
                vid=vid,
                duration=duration,
                clip_uid=vid,
                annotation_uid=uid,
                query_idx=index,
            )
            name = f'{where}, annotation {uid!r}, query {index}'
            if query.get('clip_start_sec') is not None:
                times = need(query, ['clip_start_sec', 'clip_end_sec'], name)
                window = result.window(*times, duration, name)
                if window is None:
                    continue
                line['relevant_windows'] = [window]
            result.add(line, name)


def _objects(items: Any, where: str) -> Iterator[dict]:
    """The objects of a JSON list."""
    checked: List[dict] = items if isinstance(items, list) else [None]
    for item in checked:
        if not isinstance(item, dict):
            raise AnnotationError(f'{where}: not a list of JSON objects')
        yield item
