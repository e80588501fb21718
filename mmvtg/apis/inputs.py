"""What users give to an inferencer, checked before anything is computed."""

import os
import os.path as osp
from typing import List, NamedTuple, Sequence, Union

Videos = Union[str, os.PathLike, Sequence[Union[str, os.PathLike]]]
Queries = Union[str, Sequence[str], Sequence[Sequence[str]]]


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
    paths = _check_videos(videos)
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
        _check_queries(asked, 'queries' if own is None else f'queries[{index}]')
        pairs.append(VideoQueries(path, asked, count))
        count += len(asked)
    return pairs


def _check_videos(videos: Videos) -> List[str]:
    if isinstance(videos, (str, os.PathLike)):
        videos = [videos]
    if not isinstance(videos, (list, tuple)) or not videos:
        raise ValueError(f'videos is {videos!r}: want a video file or a list of them')
    paths = []
    for index, path in enumerate(videos):
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f'videos[{index}] is {path!r}: want the path of a file')
        path = osp.expanduser(os.fspath(path))
        if osp.isdir(path):
            raise ValueError(
                f'videos[{index}] {path} is a folder: name the files in it'
            )
        if not osp.isfile(path):
            raise FileNotFoundError(f'videos[{index}] {path} does not exist')
        paths.append(path)
    return paths


def _check_queries(queries: Sequence[str], name: str) -> None:
    if not queries:
        raise ValueError(f'{name} is empty: give it at least one sentence')
    for index, query in enumerate(queries):
        if not isinstance(query, str):
            raise TypeError(f'{name}[{index}] is {query!r}: want a sentence')
        if not query.strip():
            raise ValueError(f'{name}[{index}] is empty: give it words')
