"""Files that say what is spoken or written about videos -> pairs of video and text."""

import csv
import json
import os.path as osp
from typing import Any, Dict, Iterator, List, Tuple

from mmvtg.utils.missing_files import missing_file

from .errors import AnnotationError
from .json_lines import numbered_lines, read_json_lines

Pair = Tuple[str, Any, Any]  # where, video, caption


def read_captions(
    path: str, layout: str, columns: Tuple[str, str] = ('video_id', 'sentence')
) -> List[Dict[str, Any]]:
    """Pairs of a video and a text about it.

    - ``jsonl``: one object a line with ``vid`` and ``caption``.
    - ``csv``: a header, and the two ``columns`` (MSRVTT 1k-A, SMIT as a table).
    - ``msrvtt``: MSRVTT's JSON object with ``sentences`` of ``video_id``, ``caption``.
    - ``lsmdc``: tabs; the first column names the clip, the last is the sentence.
    - ``didemo``: JSON list of objects with ``video`` and ``description``.

    Args:
        path (str): The file.
        layout (str): See above.
        columns (tuple): Of ``csv``: names of the columns of video and text.

    Returns:
        list[dict]: ``path`` (video as listed), ``caption``, ``where``.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A pair is incomplete, or there is none.
        ValueError: Unknown layout.
    """
    if layout not in _READERS:
        raise ValueError(f'layout is {layout!r}, want one of {sorted(_READERS)}')
    if not osp.isfile(path):
        raise missing_file(path, 'file of captions', 'check ann_file and data_root')
    pairs = []
    for where, video, caption in _READERS[layout](path, columns):
        if not str(video or '').strip() or not str(caption or '').strip():
            raise AnnotationError(
                f'{where}: video {video!r} with caption {caption!r}: both are needed; '
                f'is the layout {layout!r}?'
            )
        pairs.append(
            dict(path=str(video).strip(), caption=str(caption).strip(), where=where)
        )
    if not pairs:
        raise AnnotationError(f'{path}: has no caption in layout {layout!r}')
    return pairs


def read_video_list(path: str) -> List[str]:
    """Ids of videos, one a line (MSRVTT training-9K); a header and suffixes are cut.

    Only the first column counts; ``video_id`` as the first line is the header.
    """
    if not osp.isfile(path):
        raise missing_file(path, 'list of videos', 'check video_list and data_root')
    names = [line.split(',')[0].strip() for _, line in numbered_lines(path)]
    names = names[1:] if names and names[0] in ('video_id', 'key', 'vid') else names
    return [name for name in names if name]


def join_captions(pairs: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """One text a video: its captions one after the other (paragraph retrieval)."""
    joined: Dict[str, Dict[str, Any]] = {}
    for pair in pairs:
        first = joined.setdefault(pair['path'], dict(pair, caption=''))
        first['caption'] = f'{first["caption"]} {pair["caption"]}'.strip()
    return list(joined.values())


def _json_lines(path: str, columns: Tuple[str, str]) -> Iterator[Pair]:
    for number, item in read_json_lines(path):
        yield f'{path}:{number}', item.get('vid'), item.get('caption')


def _csv(path: str, columns: Tuple[str, str]) -> Iterator[Pair]:
    lines = [line for _, line in numbered_lines(path)]
    delimiter = '\t' if lines and '\t' in lines[0] else ','
    reader = csv.DictReader(lines, delimiter=delimiter)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise AnnotationError(
                f'{path}:1: there is no column {missing[0]!r}, but '
                f'{reader.fieldnames}; name the columns of video and text in `columns`'
            )
        for row in reader:
            yield f'{path}:{reader.line_num}', row[columns[0]], row[columns[1]]
    except csv.Error as error:
        raise AnnotationError(
            f'{path}:{reader.line_num + 1}: no valid CSV ({error})'
        ) from error


def _lsmdc(path: str, columns: Tuple[str, str]) -> Iterator[Pair]:
    for number, line in numbered_lines(path):
        parts = line.rstrip('\r\n').split('\t')
        if line.strip():
            caption = parts[-1] if len(parts) > 1 else None
            yield f'{path}:{number}', parts[0], caption


def _msrvtt(path: str, columns: Tuple[str, str]) -> Iterator[Pair]:
    content = _json(path)
    rows = content.get('sentences') if isinstance(content, dict) else None
    yield from _rows(path, rows, 'video_id', 'caption', '"sentences"')


def _didemo(path: str, columns: Tuple[str, str]) -> Iterator[Pair]:
    yield from _rows(path, _json(path), 'video', 'description', 'objects')


def _rows(path: str, rows: Any, video: str, caption: str, what: str) -> Iterator[Pair]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise AnnotationError(f'{path}: has no list of {what}')
    for index, row in enumerate(rows):
        yield f'{path}: item {index}', row.get(video), row.get(caption)


def _json(path: str) -> Any:
    try:
        return json.loads(''.join(line for _, line in numbered_lines(path)))
    except json.JSONDecodeError as error:
        raise AnnotationError(f'{path}: not valid JSON ({error})') from error


_READERS = dict(
    jsonl=_json_lines, csv=_csv, msrvtt=_msrvtt, lsmdc=_lsmdc, didemo=_didemo
)
