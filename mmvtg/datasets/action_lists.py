"""Lists of trimmed videos and of class names, as benchmarks publish them."""

import json
import os.path as osp
from typing import Any, Dict, List, Optional, Tuple, Union

from mmvtg.utils.missing_files import missing_file

from .class_lists import ClassSource, readable_name
from .errors import AnnotationError
from .json_lines import numbered_lines

LAYOUTS = ('labelled', 'folder', 'segments')


def read_classes(source: ClassSource) -> Dict[str, str]:
    """Names of classes, in the order of their labels.

    Args:
        source (str | Sequence[str]): Names; or a text file with one a line; or a JSON
            object {name in the lists: name that a text tower reads} (HMDB-51's
            ``HMDB51_clsname.json``).

    Returns:
        dict[str, str]: name as words as in the lists -> name for the text tower.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A class is named twice, or there is none.
    """
    where = source if isinstance(source, str) else 'classes'
    if isinstance(source, str):
        source = _class_file(source)
    pairs = source.items() if isinstance(source, dict) else zip(source, source)
    pairs = [(readable_name(listed), readable_name(read)) for listed, read in pairs]
    classes = dict(pairs)
    if not classes or len(set(classes.values())) < len(pairs):
        raise AnnotationError(
            f'{where}: {len(pairs)} classes, of which {len(set(classes.values()))} '
            'differ; name each once'
        )
    return classes


def _class_file(path: str) -> Union[dict, List[str]]:
    if not osp.isfile(path):
        raise missing_file(path, 'class list', 'check `classes` and `keep`')
    lines = [line.strip() for _, line in numbered_lines(path)]
    if not path.endswith('.json'):
        return [line for line in lines if line]
    content = json.loads('\n'.join(lines))
    if not isinstance(content, dict):
        raise AnnotationError(f'{path}: is no JSON object {{name in lists: name}}')
    return content


def read_action_list(path: str, layout: str) -> List[Dict[str, Any]]:
    """The videos of a list.

    - ``labelled``: ``video label`` with a number (mmaction2's video lists).
    - ``folder``: ``class/video`` (split files of HMDB-51, UCF-101, and the few-shot
      trials of Efficient-Prompt).
    - ``segments``: ``video start end class``, start and end in seconds.

    Args:
        path (str): Text file, one video a line; ``.gz`` allowed.
        layout (str): See above.

    Returns:
        list[dict]: ``path`` (str), ``label`` (int or name as words), ``window``
        ((start, end) s or None), ``where`` (file:line).

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A line is malformed, or there is none.
        ValueError: Unknown layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f'layout is {layout!r}, want one of {LAYOUTS}')
    if not osp.isfile(path):
        raise missing_file(path, 'list of videos', 'check ann_file and data_root')
    items = []
    for number, line in numbered_lines(path):
        if line.strip():
            where = f'{path}:{number}'
            item = _parse(line.strip(), layout)
            if item is None:
                raise AnnotationError(
                    f'{where}: {line.strip()!r} is no line of layout {layout!r}; see '
                    'mmvtg.datasets.action_lists.read_action_list'
                )
            video, label, window = item
            items.append(dict(path=video, label=label, window=window, where=where))
    if not items:
        raise AnnotationError(f'{path}: lists no video')
    return items


def _parse(
    line: str, layout: str
) -> Optional[Tuple[str, Union[int, str], Optional[Tuple[float, float]]]]:
    """(video, label, window) of a line, or None."""
    if layout == 'folder':
        folder, slash, name = line.rpartition('/')
        return (line, readable_name(osp.basename(folder)), None) if slash else None
    if layout == 'labelled':
        video, blank, label = line.rpartition(' ')
        return (video, int(label), None) if blank and label.isdigit() else None
    parts = line.split(maxsplit=3)
    try:
        start, end = float(parts[1]), float(parts[2])
        name = readable_name(parts[3])
    except (IndexError, ValueError):
        return None
    return (parts[0], name, (start, end)) if 0 <= start < end else None
