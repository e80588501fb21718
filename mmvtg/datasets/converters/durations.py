"""Durations of videos, from lists or from the videos."""

import csv
import os.path as osp
from typing import Any

from mmvtg.datasets.errors import AnnotationError
from mmvtg.datasets.json_lines import numbered_lines, read_json_lines
from mmvtg.utils.missing_files import missing_file
from mmvtg.video import probe_video
from mmvtg.video.listing import list_folder

from .conversion import need, number, plain_id
from .json_files import read_videos


def read_durations(path: str, frame_rate: float | None = None) -> dict[str, float]:
    """Return the duration of each video, ``{video id: seconds}``.

    Args:
        path (str): A CSV file with columns ``id`` and ``length`` (Charades' own
            ``Charades_v1_train.csv``), JSON lines with ``vid`` and ``duration``, a JSON
            object ``{vid: seconds}`` or ``{vid: {"duration": seconds}}``, or a folder
            of videos.
        frame_rate (float, optional): Images per second of the folders of images below
            ``path``. Default: these are skipped.

    Raises:
        FileNotFoundError: If ``path`` does not exist.
        AnnotationError: If a line has no id or no length.
        BadSampleError: If a video cannot be opened.
    """
    if osp.isdir(path):
        return _of_videos(path, frame_rate)
    if not osp.isfile(path):
        raise missing_file(path, 'file of durations', 'check --durations')
    if path.removesuffix('.gz').endswith('.csv'):
        return _of_csv(path)
    if path.removesuffix('.gz').endswith('.jsonl'):
        return {
            plain_id(str(item.get('vid'))): _seconds(item, f'{path}:{line}')
            for line, item in read_json_lines(path)
        }
    return {
        plain_id(vid): _seconds(record, f'{path}: {vid}')
        for vid, record in read_videos(path).items()
    }


def _seconds(record: Any, where: str) -> float:
    if isinstance(record, dict):
        (record,) = need(record, ['duration'], where)
    return number(record, 'duration', where)


def _of_csv(path: str) -> dict[str, float]:
    lines = list(numbered_lines(path, 'file of durations'))
    reader = csv.DictReader(text for _, text in lines)
    absent = {'id', 'length'} - set(reader.fieldnames or [])
    if absent:
        raise AnnotationError(
            f'{path}:1: no column {sorted(absent)[0]!r}; there are {reader.fieldnames}'
        )
    durations = {}
    for row in reader:
        where = f'{path}:{lines[reader.line_num - 1][0]}'
        durations[plain_id(row['id'])] = number(row['length'], 'length', where)
    return durations


def _of_videos(folder: str, frame_rate: float | None) -> dict[str, float]:
    return {
        name: probe_video(path, frame_rate)[0]
        for name, path in list_folder(folder).videos
        if frame_rate is not None or not osp.isdir(path)
    }
