"""Charades-STA's text: ``VID start end##sentence.``"""

import re
from collections import Counter
from typing import Mapping

from mmvtg.datasets.errors import AnnotationError
from mmvtg.datasets.json_lines import numbered_lines

from .conversion import Conversion, plain_id

_LINE = re.compile(r'(\S+) +(\S+) +(\S+) *## *(.*\S)\s*')


def convert_sentences(path: str, durations: Mapping[str, float]) -> Conversion:
    """Read Charades-STA's text file; ``qid`` is ``{vid}_{number within the video}``.

    Reversed windows are swapped and ends past the video clamped, as in the JSON lines
    that circulate.

    Args:
        path (str): The text file.
        durations (Mapping): Video id -> seconds.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A line has another form, or its video no duration.
    """
    result = Conversion(path, clamp=True, reversed_windows='swap', drop_empty=True)
    counter: Counter = Counter()
    for line_number, line in numbered_lines(path):
        where = f'{path}:{line_number}'
        match = _LINE.fullmatch(line)
        if match is None:
            raise AnnotationError(
                f'{where}: not of the form "VID start end##sentence.": '
                f'{line.strip()[:60]!r}'
            )
        name, start, end, sentence = match.groups()
        vid = plain_id(name)
        if vid not in durations:
            raise AnnotationError(
                f'{where}: no duration of video {vid!r} is known; take a file of '
                'durations that has it'
            )
        window = result.window(start, end, durations[vid], where)
        if window is None:
            continue
        qid = f'{vid}_{counter[vid]}'
        counter[vid] += 1
        item = dict(qid=qid, query=sentence, vid=vid, duration=durations[vid])
        result.add(dict(item, relevant_windows=[window]), where)
    return result
