"""JSON lines, line by line, with the line's number in every complaint."""

import gzip
import json
import os.path as osp
import zlib
from typing import Iterator, Tuple

from mmvtg.utils.missing_files import missing_file

from .errors import AnnotationError

ANNOTATION_FILE = 'annotation file'


def read_json_lines(
    path: str, name: str = ANNOTATION_FILE
) -> Iterator[Tuple[int, dict]]:
    """Yield (line number, object) of a JSON lines file, ``.gz`` allowed.

    Args:
        path (str): The file.
        name (str): Kind of file, for messages.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A line is not a JSON object.
    """
    for number, line in object_lines(path, name):
        yield number, parse_line(line, f'{path}:{number}')


def object_lines(path: str, name: str = ANNOTATION_FILE) -> Iterator[Tuple[int, str]]:
    """Yield (line number, text) of a file that has one JSON object per line.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: The file is a JSON document over several lines, or a list.
    """
    first = True
    for number, line in numbered_lines(path, name):
        if first and (line.lstrip().startswith('[') or line.strip() == '{'):
            raise AnnotationError(
                f'{path}:{number}: this is one JSON document, and JSON lines have one '
                'object per line; write each object on a line of its own, without '
                'brackets and commas around them'
            )
        first = False
        yield number, line


def parse_line(line: str, where: str) -> dict:
    """The JSON object of a line.

    Args:
        line (str): Text.
        where (str): ``file:line``, for messages.

    Raises:
        AnnotationError: It is none.
    """
    try:
        item = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise AnnotationError(
            f'{where}: not valid JSON ({error}); a line that was cut '
            'off often means an incomplete download'
        ) from error
    if not isinstance(item, dict):
        raise AnnotationError(f'{where}: not a JSON object')
    return item


def numbered_lines(path: str, name: str = ANNOTATION_FILE) -> Iterator[Tuple[int, str]]:
    """Yield (line number, text) of the lines that are not blank, ``.gz`` allowed.

    Args:
        path (str): The file.
        name (str): Kind of file, for messages.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: It is not UTF-8, or the compressed file is damaged.
    """
    if not osp.isfile(path):
        advice = 'check the path'
        if name == ANNOTATION_FILE:
            advice = (
                'check ann_file and data_root. Where data come from is in '
                'docs/datasets.md, docs/moving_shapes.md'
            )
        raise missing_file(path, name, advice)
    opener = gzip.open if path.endswith('.gz') else open
    number = 0
    try:
        # as bytes: text is decoded block by block, and the line would be unknown
        with opener(path, 'rb') as file:
            for number, line in enumerate(file, start=1):
                text = line.decode('utf-8-sig' if number == 1 else 'utf-8')
                if text.strip():
                    yield number, text
    except UnicodeDecodeError as error:
        raise AnnotationError(
            f'{path}:{number}: not UTF-8 ({error}); save the file in that encoding'
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise AnnotationError(
            f'{path}:{number + 1}: the compressed file is cut off or damaged '
            f'({error}); download it again'
        ) from error
