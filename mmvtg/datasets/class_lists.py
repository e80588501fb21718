"""Lists of classes, and what may not leak from one list into another."""

import os.path as osp
import re
from collections import Counter
from typing import Dict, List, Sequence, Union

from mmengine.logging import MMLogger

from mmvtg.utils.missing_files import missing_file

from .errors import AnnotationError
from .json_lines import numbered_lines

ClassSource = Union[str, Sequence[str]]
_CAMEL = re.compile(r'(?<=[a-z])(?=[A-Z])')


def readable_name(name: str) -> str:
    """A class name as words: ``CliffDiving``, ``slide_left`` -> ``Cliff Diving``."""
    return ' '.join(_CAMEL.sub(' ', name.replace('_', ' ')).split())


def under_root(root: str, source: ClassSource) -> ClassSource:
    """The relative path of a list lies under the data root; names stay as they are."""
    return osp.join(root, source) if isinstance(source, str) else source


def read_class_list(source: ClassSource) -> List[str]:
    """Names as annotations spell them; a label is the place in the list, from 0.

    Args:
        source (str | Sequence[str]): A text file with a name a line, or the names.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: A class is named twice, or there is none.
    """
    where, names = 'classes', source
    if isinstance(source, str):
        where = source
        if not osp.isfile(source):
            advice = 'check `classes` of the data set'
            raise missing_file(source, 'class list', advice)
        names = [line.strip() for _, line in numbered_lines(source)]
    names = [str(name) for name in names]
    if not names:
        raise AnnotationError(f'{where}: there is no class; name at least one')
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise AnnotationError(
            f'{where}: class {twice[0]!r} is named twice; labels are places in the '
            'list, so name each class once'
        )
    return names


def require_disjoint(seen: Sequence[str], unseen: Sequence[str], where: str) -> None:
    """Raise an AnnotationError if a class is to be trained on and tested as unseen."""
    both = sorted(set(seen) & set(unseen))
    if both:
        raise AnnotationError(
            f'{where}: {len(both)} classes are trained on although they are to be '
            f'unseen: {both[:5]}; use the list of the same split for both'
        )


def warn_of_shared_segments(shared: Dict[str, int], where: str) -> None:
    """Say that segments of unseen classes are seen by another name.

    In THUMOS14 every ``CliffDiving`` is annotated as ``Diving``, too. With the two on
    different sides of a split, a model is trained on the very thing that is unseen.

    Args:
        shared (dict): 'unseen class = seen class' -> number of segments.
        where (str): File, for the message.
    """
    if shared:
        pairs = ', '.join(f'{pair} ({count})' for pair, count in shared.items())
        MMLogger.get_current_instance().warning(
            f'{where}: segments of unseen classes are annotated with seen ones, too: '
            f'{pairs}. Published results train on them; shared_segments="drop" in the '
            'training set leaves them out'
        )
