"""Which videos and queries there are, and which of them are this process's."""

import os
import os.path as osp
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from mmvtg.datasets.annotations import read_json_lines
from mmvtg.datasets.errors import AnnotationError

VIDEO_SUFFIXES = ('.mp4', '.mkv', '.webm', '.avi', '.mov', '.m4v', '.flv', '.mpg')


def list_videos(path: str) -> List[Tuple[str, str]]:
    """(id, file) of the videos of a folder or of a list.

    In a folder, and below it, every file that ends like a video counts; its id is its
    path from there without the suffix. A list is a text file with one path a line (the
    id is the name without the suffix), or an id, a tab, and a path; relative paths
    start where the list lies.

    Raises:
        FileNotFoundError: There is no such folder or file.
        ValueError: There is no video in it.
    """
    if osp.isdir(path):
        found = [
            (osp.relpath(osp.splitext(file)[0], path), file)
            for file in _files_below(path)
            if file.lower().endswith(VIDEO_SUFFIXES)
        ]
    elif osp.isfile(path):
        found = _read_list(path)
    else:
        raise FileNotFoundError(
            f'{path} does not exist; name a folder of videos or a list of paths'
        )
    if not found:
        raise ValueError(
            f'no video in {path}: expected files that end in '
            f'{", ".join(VIDEO_SUFFIXES)}, or one path a line'
        )
    return sorted(found)


def _files_below(folder: str) -> List[str]:
    return [
        osp.join(root, name)
        for root, _, names in os.walk(folder, followlinks=True)
        for name in names
        if not name.startswith('.')
    ]


def _read_list(path: str) -> List[Tuple[str, str]]:
    found = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            if not line.strip():
                continue
            *named, video = line.rstrip('\n').split('\t')
            name = named[0] if named else osp.splitext(osp.basename(video.strip()))[0]
            found.append((name, osp.join(osp.dirname(path), video.strip())))
    return found


def list_queries(path: str) -> List[Tuple[str, str]]:
    """(id, text) of the queries of an annotation file, JSON lines with ``query``.

    The id is ``qid``, or else ``vid``.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A line has no query or no id, or an id names two queries.
    """
    found: Dict[str, str] = {}
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
    """Which share of the items a process takes: every ``count``-th from ``index``.

    Args:
        index (int): From 0.
        count (int): Number of processes.
    """

    index: int = 0
    count: int = 1

    @property
    def part(self) -> str:
        """Name of the part of a pack that this process writes."""
        if self.count == 1:
            return 'main'
        return f'shard-{self.index:04d}-of-{self.count:04d}'

    def pick(self, items: Sequence[Any]) -> List[Any]:
        """This process's items."""
        return list(items[self.index :: self.count])


#: Variables that say which process this is: torchrun, Slurm array, srun.
_ENVIRONMENTS = (
    ('RANK', 'WORLD_SIZE', 0),
    ('SLURM_ARRAY_TASK_ID', 'SLURM_ARRAY_TASK_COUNT', 'SLURM_ARRAY_TASK_MIN'),
    ('SLURM_PROCID', 'SLURM_NTASKS', 0),
)


def parse_shard(
    text: Optional[str], environment: Optional[Mapping[str, str]] = None
) -> Shard:
    """Read ``--shard``.

    Args:
        text (str, optional): ``i/n`` with i from 0; ``env`` reads torchrun's, a Slurm
            array's, or srun's variables; None is all.
        environment (Mapping, optional): Default: this process's.

    Raises:
        ValueError: Neither, or i is not in [0, n).
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
    raise ValueError(f'--shard env: there is neither {names} in the environment')
