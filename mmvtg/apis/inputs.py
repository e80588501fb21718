"""Checks of the arguments of inferencers, before anything is computed."""

import math
import os
import os.path as osp
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mmvtg.datasets.class_lists import readable_name
from mmvtg.video.image_folder import list_images

Videos = str | os.PathLike | Sequence[str | os.PathLike]
Queries = str | Sequence[str] | Sequence[Sequence[str]]
Segment = tuple[float, float]
Segments = Segment | Sequence[Segment | None] | None


_BRIEF = 200  # characters of a value in a message
_FRAMES = '; write frames to a video file, or to a folder of images'


class VideoQueries(NamedTuple):
    """Queries for one video.

    Args:
        path (str): Video file.
        queries (list[str]): Sentences.
        first_id (int): Index of the first query in the whole call.
    """

    path: str
    queries: list[str]
    first_id: int


def pair_inputs(videos: Videos, queries: Queries) -> list[VideoQueries]:
    """Return the queries for each video.

    Args:
        videos (str | list[str]): Video files, or folders of images.
        queries (str | list[str] | list[list[str]]): Sentences for every video, or one
            list of sentences per video.

    Returns:
        list[VideoQueries]: Videos with their queries, in the given order.

    Raises:
        FileNotFoundError: If a video file does not exist.
        TypeError: If a query is not a sentence.
        ValueError: If there are no videos or queries, a query is empty, or the numbers
            of lists and videos differ.
    """
    paths = check_videos(videos)
    if isinstance(queries, str):
        queries = [queries]
    if not isinstance(queries, (list, tuple)) or not queries:
        raise ValueError(
            f'queries is {_brief(queries)}: want a sentence or a list of them'
        )
    nested = [isinstance(query, (list, tuple)) for query in queries]
    if any(nested) and not all(nested):
        raise TypeError(
            'queries mixes sentences and lists: give sentences for every video, or '
            'one list of sentences per video'
        )
    if any(nested) and len(queries) != len(paths):
        raise ValueError(
            f'{len(paths)} videos but {len(queries)} lists of queries: give one list '
            'per video, or sentences for every video'
        )
    own = [list(group) for group in queries] if any(nested) else None
    pairs: list[VideoQueries] = []
    count = 0
    for index, path in enumerate(paths):
        asked = list(queries) if own is None else own[index]
        check_queries(asked, 'queries' if own is None else f'queries[{index}]')
        pairs.append(VideoQueries(path, asked, count))
        count += len(asked)
    return pairs


def check_videos(videos: Videos) -> list[str]:
    """Return the paths of video files, or of folders of images.

    Raises:
        FileNotFoundError: If a file does not exist.
        TypeError: If a value is not a path.
        ValueError: If there are no videos, or a folder has no images.
    """
    if isinstance(videos, (str, os.PathLike)):
        videos = [videos]
    if not isinstance(videos, (list, tuple)) or len(videos) == 0:
        raise ValueError(
            f'videos is {_brief(videos)}: want a video file or a list of them{_FRAMES}'
        )
    paths = []
    for index, path in enumerate(videos):
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(
                f'videos[{index}] is {_brief(path)}: want the path of a file{_FRAMES}'
            )
        path = osp.expanduser(os.fspath(path))
        if osp.isdir(path) and not list_images(path):
            raise ValueError(
                f'videos[{index}] {path} is a folder without images: name the files in '
                'it, or a folder of images'
            )
        if not osp.exists(path):
            raise FileNotFoundError(f'videos[{index}] {path} does not exist')
        paths.append(path)
    return paths


def check_queries(queries: Sequence[str], name: str) -> None:
    """Check that ``queries`` is a non-empty list of non-empty sentences.

    Args:
        queries (Sequence[str]): Sentences.
        name (str): Name of the argument, for messages.

    Raises:
        TypeError: If a query is not text.
        ValueError: If there are no queries, or a query is empty.
    """
    if not queries:
        raise ValueError(f'{name} is empty: give it at least one sentence')
    for index, query in enumerate(queries):
        if not isinstance(query, str):
            raise TypeError(f'{name}[{index}] is {_brief(query)}: want a sentence')
        if not query.strip():
            raise ValueError(f'{name}[{index}] is empty: give it words')


def check_classes(classes: str | Sequence[str]) -> list[str]:
    """Return the names of classes, unchanged.

    Raises:
        TypeError: If a name is not text.
        ValueError: If there are no names, or a name is empty or repeated
            (``slide_left`` equals ``slide left``).
    """
    names = [classes] if isinstance(classes, str) else classes
    if not isinstance(names, (list, tuple)) or not names:
        raise ValueError(
            f'classes is {_brief(classes)}: want the name of a class or a list of them'
        )
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(
                f'classes[{index}] is {_brief(name)}: want the name of a class'
            )
        if not readable_name(name):
            raise ValueError(f'classes[{index}] is empty: give it words')
    counts = Counter(map(readable_name, names))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f'classes names {twice[0]!r} twice: name each class once')
    return list(names)


def check_segments(segments: Segments, num_videos: int) -> list[Segment | None]:
    """Return one segment per video, None for whole videos.

    Args:
        segments (tuple | list, optional): ``[start, end]``, s, of every video, or a
            list with one per video.
        num_videos (int): Number of videos.

    Raises:
        ValueError: If the numbers of segments and videos differ, or a segment is not
            ``0 <= start < end``.
    """
    if segments is None or _is_pair(segments):
        segments = [segments] * num_videos  # type: ignore[list-item]
    if not isinstance(segments, (list, tuple)) or len(segments) != num_videos:
        raise ValueError(
            f'segments is {_brief(segments)} for {num_videos} videos: want [start, '
            'end] in seconds, or a list with one (or None) per video'
        )
    for index, segment in enumerate(segments):
        if segment is None:
            continue
        if not _is_pair(segment) or not 0 <= segment[0] < segment[1] < math.inf:
            raise ValueError(
                f'segments[{index}] is {segment!r}: want [start, end] in seconds, with '
                '0 <= start < end'
            )
    return [None if s is None else (float(s[0]), float(s[1])) for s in segments]


def _brief(value: object) -> str:
    """Return a value as text of one line; arrays by their shape."""
    shape = getattr(value, 'shape', None)
    if shape is not None:
        return f'a {type(value).__name__} of shape {tuple(shape)}'
    text = repr(value)
    return text if len(text) <= _BRIEF and '\n' not in text else type(value).__name__


def _is_pair(value: object) -> bool:
    """Return True for a list or tuple of two numbers."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    return all(isinstance(item, (int, float)) for item in value)
