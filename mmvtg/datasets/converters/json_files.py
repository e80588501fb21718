"""A whole JSON file of videos, ``.gz`` allowed, with doubles found."""

import json
from typing import Any, Dict, List, Tuple

from mmvtg.datasets.errors import AnnotationError
from mmvtg.datasets.json_lines import numbered_lines


def read_json(path: str) -> Any:
    """The content of a JSON file.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: It is not JSON, or an object names a key twice (json itself
            would silently keep the last).
    """
    text = ''.join(line for _, line in numbered_lines(path))
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise AnnotationError(
            f'{path}: not valid JSON ({error}); a file that was cut off often means an '
            'incomplete download'
        ) from error
    except _DoubleKey as error:
        raise AnnotationError(
            f'{path}: {error.args[0]!r} comes twice in one object; delete or rename one'
        ) from error


def read_videos(path: str) -> Dict[str, Any]:
    """A JSON file that is one object, video id -> record.

    Raises:
        As :func:`read_json`; AnnotationError if it is something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise AnnotationError(
            f'{path}: not a JSON object of videos, but a {type(content).__name__}'
        )
    return content


class _DoubleKey(Exception):
    """A key comes twice."""


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DoubleKey(next(key for key in keys if keys.count(key) > 1))
    return found
