"""Lists of videos and queries to encode, and the share of each process."""

import logging
import os
import os.path as osp
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmengine.logging import print_log

from mmvtg.datasets.annotations import read_json_lines
from mmvtg.datasets.errors import AnnotationError
from mmvtg.utils.missing_files import missing_file
from mmvtg.video.listing import VIDEO_SUFFIXES, list_folder, printable


def list_videos(path: str) -> list[tuple[str, str]]:
    """Return (id, path) of the videos of a folder or of a list, ordered by id.

    A folder is searched with its subfolders. Videos are files with the suffix of a
    video, and folders that directly hold images and no video. The id is the path below
    the folder, without the suffix. One warning names the other files.

    A list is a text file with one path per line (the id is the file name without the
    suffix), or an id, a tab, and a path. Relative paths start in the folder of the
    list. Paths may name folders of images.

    Args:
        path (str): Folder, or list.

    Raises:
        FileNotFoundError: If ``path`` does not exist.
        ValueError: If ``path`` names no video.
    """
    if osp.isdir(path):
        found, left_out = list_folder(path)
        _warn_of(left_out, path)
    elif osp.isfile(path):
        found = _read_list(path)
    else:
        advice = 'name a folder of videos or a list of paths'
        raise missing_file(path, 'list of videos', advice)
    if not found:
        raise ValueError(
            f'no video in {path}: expected files that end in '
            f'{", ".join(VIDEO_SUFFIXES)}, folders of images, or a list with one path '
            'per line'
        )
    return sorted(found)


def _warn_of(left_out: list[str], folder: str) -> None:
    """Log the files that were skipped, in one warning."""
    if not left_out:
        return
    shown = ', '.join(printable(osp.relpath(path, folder)) for path in left_out[:3])
    more = ', ...' if len(left_out) > 3 else ''
    print_log(
        f'{len(left_out)} files in {folder} do not end like videos and were left out: '
        f'{shown}{more}. List their paths in a text file to use them.',
        'current',
        logging.WARNING,
    )


def _read_list(path: str) -> list[tuple[str, str]]:
    found = []
    with open(path, encoding='utf-8-sig', errors='surrogateescape') as file:
        for line in file:
            if not line.strip():
                continue
            *named, video = line.rstrip('\n').split('\t')
            video = video.strip()
            name = named[0] if named else _id_of(video, osp.dirname(path))
            found.append((name, osp.join(osp.dirname(path), video)))
    return found


def _id_of(video: str, folder: str) -> str:
    name = osp.basename(video.rstrip(os.sep))
    if not osp.isdir(osp.join(folder, video)):
        name = osp.splitext(name)[0]
    return printable(name)


def list_queries(path: str) -> list[tuple[str, str]]:
    """Return (id, text) of the queries of an annotation file.

    Args:
        path (str): JSON lines with ``query`` and ``qid``, or ``vid`` as the id.

    Raises:
        FileNotFoundError: If ``path`` does not exist.
        AnnotationError: If a line has no query or no id, or if an id names two queries.
    """
    found: dict[str, str] = {}
    for number, item in read_json_lines(path):
        name = item.get('qid', item.get('vid'))
        if name is None or not isinstance(item.get('query'), str):
            raise AnnotationError(f'{path}:{number}: no text `query`, or no `qid`')
        text = found.setdefault(str(name), item['query'])
        if text != item['query']:
            raise AnnotationError(
                f'{path}:{number}: {name} names two queries, {text!r} and '
                f'{item["query"]!r}; give each its own qid'
            )
    return sorted(found.items())


class Shard(NamedTuple):
    """Share of the items of one process: every ``count``-th item from ``index``.

    Args:
        index (int): Index of the process, from 0.
        count (int): Number of processes.
    """

    index: int = 0
    count: int = 1

    @property
    def part(self) -> str:
        """Return the name of the part of a pack that this process writes."""
        if self.count == 1:
            return 'main'
        return f'shard-{self.index:04d}-of-{self.count:04d}'

    def pick(self, items: Sequence[Any]) -> list[Any]:
        """Return the items of this process."""
        return list(items[self.index :: self.count])


#: Variables with the number of this process: torchrun, Slurm array, srun.
_ENVIRONMENTS = (
    ('RANK', 'WORLD_SIZE', 0),
    ('SLURM_ARRAY_TASK_ID', 'SLURM_ARRAY_TASK_COUNT', 'SLURM_ARRAY_TASK_MIN'),
    ('SLURM_PROCID', 'SLURM_NTASKS', 0),
)


def parse_shard(
    text: str | None, environment: Mapping[str, str] | None = None
) -> Shard:
    """Read ``--shard``.

    Args:
        text (str | None): ``i/n`` with i from 0; ``env`` reads the variables of
            torchrun, a Slurm array, or srun; None stands for all items.
        environment (Mapping, optional): Variables. Default: those of this process.

    Raises:
        ValueError: If ``text`` has another form, or i is not in [0, n).
    """
    if text is None:
        return Shard()
    if text == 'env':
        return _shard_of(os.environ if environment is None else environment)
    index, _, count = text.partition('/')
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise ValueError(
            f'--shard {text!r}: want i/n with i from 0 to n - 1 (0/4 ... 3/4), or env'
        )
    return Shard(int(index), int(count))


def _shard_of(environment: Mapping[str, str]) -> Shard:
    for index, count, first in _ENVIRONMENTS:
        if index in environment and count in environment:
            start = int(environment.get(first, 0)) if first else 0
            return parse_shard(
                f'{int(environment[index]) - start}/{environment[count]}'
            )
    names = ' or '.join(f'{index} and {count}' for index, count, _ in _ENVIRONMENTS)
    raise ValueError(f'--shard env needs {names} in the environment')
