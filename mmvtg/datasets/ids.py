"""Ids of videos and queries: they name files, so not every text will do."""

import re
from typing import Any, Dict

from .errors import AnnotationError

# what would leave the folder that an id names a file in, or no file system takes
_UNSAFE = re.compile(r'(^|[/\\])\.\.?([/\\]|$)|^[/\\]|^[A-Za-z]:[/\\]|[\x00-\x1f\x7f]')


def check_id(value: Any, field: str, where: str) -> None:
    """See that an id can name a file inside of a feature folder.

    Any script is fine, and so are sub-folders; ``..``, absolute paths and control
    characters are not.

    Args:
        value: The id, text or a whole number.
        field (str): Its name, for messages.
        where (str): ``file:line``, for messages.

    Raises:
        AnnotationError: It cannot.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return
    if not isinstance(value, str) or not value.strip():
        raise AnnotationError(
            f'{where}: {field} = {value!r} is not text, nor a whole number'
        )
    if _UNSAFE.search(value):
        raise AnnotationError(
            f'{where}: {field} = {value!r} is refused: ids name files inside of the '
            'data folders and must not lead out of them; rename it there and here'
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise AnnotationError(
            f'{where}: {field} = {value!r} is not valid Unicode ({error.reason}); '
            'rename it'
        ) from error


def check_unique(sample: Dict[str, Any], seen: Dict[str, str]) -> None:
    """See that no earlier sample has the same query id; ``seen`` remembers.

    Args:
        sample (dict): With ``query_id`` and ``where``.
        seen (dict): Query id as text -> where it was; is added to.

    Raises:
        AnnotationError: Both lines are named.
    """
    query_id = str(sample['query_id'])
    first = seen.get(query_id)
    if first is not None:
        raise AnnotationError(
            f'{sample["where"]}: query id {sample["query_id"]!r} is already that of '
            f'{first}; ids name feature files and predictions: give each line a "qid" '
            'of its own, or delete the line if it came twice'
        )
    seen[query_id] = sample['where']
