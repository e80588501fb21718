"""YouTube Highlights and TVSum from the annotation files of UMT."""

from typing import Any, Dict, Iterable, List, Optional

from mmvtg.datasets.errors import AnnotationError
from mmvtg.datasets.json_lines import numbered_lines, read_json_lines

from .conversion import Conversion, need, number, plain_id
from .json_files import read_json, read_videos

#: The one video of each domain that is tested on; the other four are for training.
TVSUM_VAL = (
    'Se3oxnaPsz0',  # BK
    'JgHubY5Vw3Y',  # BT
    'E11zDS9XGzg',  # DS
    'JKpqYvAdIsw',  # FM
    'Bhxk-O1Y7Ho',  # GA
    'Yi4Ij2NM7U4',  # MS
    'cjibtmSLxQ4',  # PK
    'fWutDQy1nnY',  # PR
    'J0nA4VgnoCo',  # VT
    'sTEELN-vY30',  # VU
)


def read_split(path: str) -> List[str]:
    """Video ids of a split: JSON lines with ``vid``, a JSON list, or one id a line.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: It is malformed.
    """
    name = path.removesuffix('.gz')
    if name.endswith('.jsonl'):
        return [plain_id(str(item.get('vid'))) for _, item in read_json_lines(path)]
    if name.endswith('.json'):
        ids = read_json(path)
        if not isinstance(ids, list):
            raise AnnotationError(f'{path}: not a JSON list of video ids')
        return [plain_id(str(vid)) for vid in ids]
    return [plain_id(line.strip()) for _, line in numbered_lines(path)]


def convert_youtube(
    path: str, wanted: Iterable[str], titles: bool = False
) -> Conversion:
    """Read ``youtube_anno.json``; keeps ``match`` (1, 0, -1 a clip).

    Args:
        path (str): The JSON file, ``.gz`` allowed.
        wanted (Iterable[str]): Video ids of the split; those that the file lacks are
            counted (some videos are not to be had any more).
        titles (bool): The query is the video's title (``info[5]``, as for R2-Tuning),
            else its domain.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A field is missing or malformed; file and video are named.
    """
    result = Conversion(path)
    for vid, record, where in _select(result, read_videos(path), wanted):
        match, domain = need(record, ['match', 'domain'], where)
        query = domain
        if titles:
            (info,) = need(record, ['info'], where)
            if not isinstance(info, list) or len(info) < 6:
                raise AnnotationError(f'{where}: info has no title as its sixth item')
            query = info[5]
        duration = _seconds(record, where)
        line = dict(qid=vid, query=query, vid=vid, duration=duration, domain=domain)
        if not isinstance(match, list):
            raise AnnotationError(f'{where}: match = {match!r} is not a list')
        label = [[int(value > 0)] for value in match]
        result.add(dict(line, label=label, match=match), where)
    return result


def convert_tvsum(path: str, wanted: Optional[Iterable[str]] = None) -> Conversion:
    """Read ``tvsum_anno.json``; ``label`` is 20 scores (1 to 5) a clip of two seconds.

    Args:
        path (str): The JSON file, ``.gz`` allowed.
        wanted (Iterable[str], optional): Video ids of the split; default: all.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A field is missing or malformed; file and video are named.
    """
    result = Conversion(path)
    videos = read_videos(path)
    for vid, record, where in _select(result, videos, wanted or videos):
        label, title, domain = need(record, ['anno', 'title', 'domain'], where)
        duration = _seconds(record, where)
        line = dict(qid=vid, query=title, vid=vid, duration=duration, domain=domain)
        result.add(dict(line, label=label), where)
    return result


def _select(result: Conversion, videos: Dict[str, Any], wanted: Iterable[str]):
    """Yield (video id, record, where); what is not there is counted."""
    names = {plain_id(name): name for name in videos}
    for vid in map(plain_id, wanted):
        if vid in names:
            yield vid, videos[names[vid]], f'{result.source}: video {names[vid]!r}'
        else:
            result.notes['videos of the split that the file lacks: drop'] += 1


def _seconds(record: dict, where: str) -> float:
    """Duration from ``frames`` and ``fps``."""
    frames, fps = need(record, ['frames', 'fps'], where)
    fps = number(fps, 'fps', where)
    if fps <= 0:
        raise AnnotationError(f'{where}: fps = {fps} is not positive')
    return number(frames, 'frames', where) / fps
