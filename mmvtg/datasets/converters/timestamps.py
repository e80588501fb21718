"""``{video: {duration, timestamps, sentences}}``: the JSON of ActivityNet Captions.

2D-TAN's and MMN's files of Charades-STA and TACoS have the same form, and so have those
of Charades-CG and ActivityNet-CG.
"""

from typing import Any, Iterator, Tuple

from mmvtg.datasets.errors import AnnotationError

from .conversion import Conversion, need, number, plain_id
from .json_files import read_videos

#: What the compositional splits say of each sentence, kept in the lines.
EXTRAS = ('news', 'novels')


def convert_timestamps(
    path: str,
    qid_prefix: str = '',
    clamp: bool = False,
    drop_empty: bool = True,
) -> Conversion:
    """Read such a file; ``qid`` is ``{prefix}{vid}_{number within the video}``.

    Timestamps are seconds, or frames if a video has ``fps`` and ``num_frames`` instead
    of a ``duration``. Sentences with ``start > end`` are dropped: which end is wrong
    cannot be told.

    Args:
        path (str): The JSON file, ``.gz`` allowed.
        qid_prefix (str): Keeps the ids of splits that share videos apart.
        clamp (bool): Move ends past the video to its end.
        drop_empty (bool): Drop sentences with ``start == end``.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A field is missing or malformed; file and video are named.
    """
    result = Conversion(
        path, clamp=clamp, reversed_windows='drop', drop_empty=drop_empty
    )
    for key, record in read_videos(path).items():
        vid, where = plain_id(key), f'{path}: video {key!r}'
        duration, rate = _duration(record, where)
        for index, (window, query) in enumerate(_pairs(record, where)):
            name = f'{where}, sentence {index}'
            seconds = [number(t, 'timestamp', name) for t in window]
            if rate is not None:
                seconds = [frames / rate for frames in seconds]
            mended = result.window(*seconds, duration, name)
            if mended is None:
                continue
            line = dict(
                qid=f'{qid_prefix}{vid}_{index}',
                query=query.strip(),
                vid=vid,
                duration=duration,
                relevant_windows=[mended],
            )
            extra = {n: record[n][index] for n in EXTRAS if n in record}
            result.add({**line, **extra}, name)
    return result


def _duration(record: Any, where: str) -> Tuple[float, Any]:
    """(seconds, frames a second that timestamps count, or None)."""
    if isinstance(record, dict) and 'duration' not in record and 'fps' in record:
        frames, rate = need(record, ['num_frames', 'fps'], where)
        rate = number(rate, 'fps', where)
        if rate <= 0:
            raise AnnotationError(f'{where}: fps = {rate} is not positive')
        return number(frames, 'num_frames', where) / rate, rate
    (duration,) = need(record, ['duration'], where)
    return number(duration, 'duration', where), None


def _pairs(record: dict, where: str) -> Iterator[Tuple[list, str]]:
    names = ['timestamps', 'sentences', *(n for n in EXTRAS if n in record)]
    lists = need(record, names, where)
    for name, values in zip(names, lists):
        if not isinstance(values, list) or len(values) != len(lists[0]):
            raise AnnotationError(
                f'{where}: {name} is not a list as long as timestamps ({len(lists[0])})'
            )
    for index, (window, query) in enumerate(zip(*lists[:2])):
        if not isinstance(window, list) or len(window) != 2:
            raise AnnotationError(
                f'{where}: timestamps[{index}] = {window!r} is not [start, end]'
            )
        if not isinstance(query, str):
            raise AnnotationError(f'{where}: sentences[{index}] = {query!r} is no text')
        yield window, query
