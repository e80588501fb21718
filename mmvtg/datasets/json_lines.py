"""JSON lines, line by line, with the line's number in every complaint."""

import gzip
import json
import os.path as osp
import zlib
from typing import Iterator, Tuple

from .errors import AnnotationError


def read_json_lines(path: str) -> Iterator[Tuple[int, dict]]:
    """Yield (line number, object) of a JSON lines file, ``.gz`` allowed.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A line is not a JSON object.
    """
    for number, line in numbered_lines(path):
        yield number, parse_line(line, f'{path}:{number}')


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


def numbered_lines(path: str) -> Iterator[Tuple[int, str]]:
    """Yield (line number, text) of the lines that are not blank, ``.gz`` allowed.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: It is not UTF-8, or the compressed file is damaged.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'annotation file {path} does not exist; check ann_file and data_root. '
            'Where data come from is in docs/datasets.md, docs/moving_shapes.md'
        )
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
