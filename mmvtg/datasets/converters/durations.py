"""How long videos are, from the files that say so."""

import csv
import os
import os.path as osp
from typing import Any, Dict

from mmvtg.datasets.errors import AnnotationError
from mmvtg.datasets.json_lines import read_json_lines
from mmvtg.video.apart import ApartVideo
from mmvtg.video.pictures import ProbeSource
from mmvtg.video.source import VideoItem

from .conversion import need, number
from .json_files import read_videos


def read_durations(path: str) -> Dict[str, float]:
    """Video id -> seconds.

    Args:
        path (str): A CSV file with columns ``id`` and ``length`` (Charades' own
            ``Charades_v1_train.csv``), JSON lines with ``vid`` and ``duration``, a JSON
            object ``{vid: seconds}`` or ``{vid: {"duration": seconds}}``, or a folder
            of videos.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A line does not say id and length.
        BadSampleError: A video cannot be opened.
    """
    if osp.isdir(path):
        return _of_videos(path)
    if not osp.isfile(path):
        raise FileNotFoundError(f'{path} does not exist; it should say durations')
    if path.endswith('.csv'):
        return _of_csv(path)
    if path.removesuffix('.gz').endswith('.jsonl'):
        return {
            str(item.get('vid')): _seconds(item, f'{path}:{line}')
            for line, item in read_json_lines(path)
        }
    return {
        vid: _seconds(record, f'{path}: {vid}')
        for vid, record in read_videos(path).items()
    }


def _seconds(record: Any, where: str) -> float:
    if isinstance(record, dict):
        (record,) = need(record, ['duration'], where)
    return number(record, 'duration', where)


def _of_csv(path: str) -> Dict[str, float]:
    with open(path, encoding='utf-8', newline='') as file:
        reader = csv.DictReader(file)
        absent = {'id', 'length'} - set(reader.fieldnames or [])
        if absent:
            raise AnnotationError(
                f'{path}:1: no column {sorted(absent)[0]!r}; there are '
                f'{reader.fieldnames}'
            )
        return {
            row['id']: number(row['length'], 'length', f'{path}:{reader.line_num}')
            for row in reader
        }


def _of_videos(folder: str) -> Dict[str, float]:
    found = {}
    for name in sorted(os.listdir(folder)):
        vid, suffix = osp.splitext(name)
        if suffix.lower() in ('.mp4', '.avi', '.mkv', '.webm', '.mov'):
            item = VideoItem(vid, osp.join(folder, name))
            with ApartVideo(item, ProbeSource(), 0) as video:
                found[vid] = video.duration
    return found
