"""What users give to an inferencer, checked before anything is computed."""

import math
import os
import os.path as osp
from collections import Counter
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from mmvtg.datasets.class_lists import readable_name
from mmvtg.video.image_folder import list_images

Videos = Union[str, os.PathLike, Sequence[Union[str, os.PathLike]]]
Queries = Union[str, Sequence[str], Sequence[Sequence[str]]]
Segment = Tuple[float, float]
Segments = Union[None, Segment, Sequence[Optional[Segment]]]


class VideoQueries(NamedTuple):
    """What is asked of one video.

    Args:
        path (str): Video file.
        queries (list[str]): Sentences.
        first_id (int): Number of the first query in the whole call.
    """

    path: str
    queries: List[str]
    first_id: int


def pair_inputs(videos: Videos, queries: Queries) -> List[VideoQueries]:
    """Say which queries are asked of which video.

    Args:
        videos (str | list[str]): Video files.
        queries (str | list[str] | list[list[str]]): Sentences that all videos are
            asked, or one list of sentences a video.

    Returns:
        list[VideoQueries]: One a video.

    Raises:
        FileNotFoundError: There is no such video file.
        TypeError: Something else than text.
        ValueError: Nothing to do, an empty query, or another number of lists than of
            videos.
    """
    paths = check_videos(videos)
    if isinstance(queries, str):
        queries = [queries]
    if not isinstance(queries, (list, tuple)) or not queries:
        raise ValueError(f'queries is {queries!r}: want a sentence or a list of them')
    nested = [isinstance(query, (list, tuple)) for query in queries]
    if any(nested) and not all(nested):
        raise TypeError(
            'queries mixes sentences and lists: give sentences, asked of every video, '
            'or one list of sentences a video'
        )
    if any(nested) and len(queries) != len(paths):
        raise ValueError(
            f'{len(paths)} videos but {len(queries)} lists of queries: give one list a '
            'video, or plain sentences, which are asked of every video'
        )
    own = [list(group) for group in queries] if any(nested) else None
    pairs: List[VideoQueries] = []
    count = 0
    for index, path in enumerate(paths):
        asked = list(queries) if own is None else own[index]
        check_queries(asked, 'queries' if own is None else f'queries[{index}]')
        pairs.append(VideoQueries(path, asked, count))
        count += len(asked)
    return pairs


def check_videos(videos: Videos) -> List[str]:
    """Paths of video files.

    Raises:
        FileNotFoundError: There is no such file.
        TypeError: Something else than a path.
        ValueError: None, or a folder.
    """
    if isinstance(videos, (str, os.PathLike)):
        videos = [videos]
    if not isinstance(videos, (list, tuple)) or not videos:
        raise ValueError(f'videos is {videos!r}: want a video file or a list of them')
    paths = []
    for index, path in enumerate(videos):
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f'videos[{index}] is {path!r}: want the path of a file')
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
    """Refuse what is no list of sentences; ``name`` says in messages what it is.

    Raises:
        TypeError: Something else than text.
        ValueError: No sentence, or an empty one.
    """
    if not queries:
        raise ValueError(f'{name} is empty: give it at least one sentence')
    for index, query in enumerate(queries):
        if not isinstance(query, str):
            raise TypeError(f'{name}[{index}] is {query!r}: want a sentence')
        if not query.strip():
            raise ValueError(f'{name}[{index}] is empty: give it words')


def check_classes(classes: Union[str, Sequence[str]]) -> List[str]:
    """Names of classes, as they are written.

    Raises:
        TypeError: Something else than text.
        ValueError: None, an empty one, or one twice; ``slide_left`` is ``slide left``.
    """
    names = [classes] if isinstance(classes, str) else classes
    if not isinstance(names, (list, tuple)) or not names:
        raise ValueError(
            f'classes is {classes!r}: want the name of a class or a list of them'
        )
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f'classes[{index}] is {name!r}: want the name of a class')
        if not readable_name(name):
            raise ValueError(f'classes[{index}] is empty: give it words')
    counts = Counter(map(readable_name, names))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f'classes names {twice[0]!r} twice: name each class once')
    return list(names)


def check_segments(segments: Segments, num_videos: int) -> List[Optional[Segment]]:
    """For each video the stretch to look at, or None for all of it.

    Args:
        segments (tuple | list, optional): ``[start, end]``, s, of every video, or a
            list with one a video.
        num_videos (int): How many there are.

    Raises:
        ValueError: Another number of stretches than of videos, or no stretch of time.
    """
    if segments is None or _is_pair(segments):
        segments = [segments] * num_videos  # type: ignore[list-item]
    if not isinstance(segments, (list, tuple)) or len(segments) != num_videos:
        raise ValueError(
            f'segments is {segments!r} for {num_videos} videos: want [start, end] in '
            'seconds, or a list with one (or None) a video'
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


def _is_pair(value: object) -> bool:
    """Whether it is two numbers."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    return all(isinstance(item, (int, float)) for item in value)
