"""MovingShapes as two detection sets in ActivityNet's layout, with splits of classes.

In the one the ten actions are classes, whoever performs them; in the other the thirty
looks, whatever they do.
"""

from pathlib import Path
from typing import Callable, Dict, List, Sequence

import numpy as np

from .annotations import LOOKS
from .scene import RESOLUTION
from .vocabulary import ACTIONS, FAMILIES, FAMILY_OF, SHAPES
from .writer import write_json, write_text

_SUBSETS = dict(train='training', val='validation', test='testing')
#: Folder name -> share of seen classes; 75 % is rounded down: 7 of 10 and 22 of 30.
CLASS_SPLITS = {'train_75_test_25': 0.75, 'train_50_test_50': 0.5}
_SPLITS_PER_SETTING = 10


def write_detection(folder: Path, version: str, records: Sequence[dict]) -> None:
    """Write annotations and splits of both sets.

    Args:
        folder: ``activitynet`` of the data root.
        version: of the generator.
        records: what :func:`~.annotations.annotate` says of each video, in order.
    """
    tree = taxonomy(FAMILIES, ACTIONS, FAMILY_OF)
    content = activitynet(version, records, 'segments', tree)
    write_json(folder / 'moving_shapes_tad.json', content)
    _write_splits(folder / 'splits', ACTIONS, 2)
    shape_of = {look: look.split('_')[1] for look in LOOKS}
    tree = taxonomy(SHAPES, LOOKS, shape_of)
    content = activitynet(version, records, 'look_segments', tree)
    write_json(folder / 'moving_shapes_looks_tad.json', content)
    _write_splits(folder / 'looks_splits', LOOKS, 3, _words_are_seen)


def activitynet(
    version: str, records: Sequence[dict], field: str, tree: List[dict]
) -> dict:
    """The data set in the layout of ActivityNet-1.3.

    ``subset`` is training, validation or testing, and the split's own name for the two
    out-of-distribution splits.

    Args:
        version: of the generator.
        records: of all videos.
        field: where a record has (start s, end s, class).
        tree: taxonomy.
    """
    database = {}
    for record in records:
        database[record['vid']] = dict(
            duration=float(record['duration']),
            subset=_SUBSETS.get(record['split'], record['split']),
            resolution=f'{RESOLUTION}x{RESOLUTION}',
            url='',
            annotations=[
                dict(label=label, segment=[float(start), float(end)])
                for start, end, label in record[field]
            ],
        )
    return dict(version=f'MovingShapes {version}', taxonomy=tree, database=database)


def taxonomy(
    groups: Sequence[str], classes: Sequence[str], group_of: Dict[str, str]
) -> List[dict]:
    """ActivityNet's tree of classes: root, groups, classes."""
    nodes = [dict(nodeId=0, nodeName='Root', parentId=None, parentName=None)]
    group_ids = {group: 1 + i for i, group in enumerate(groups)}
    for group, node in group_ids.items():
        nodes.append(dict(nodeId=node, nodeName=group, parentId=0, parentName='Root'))
    for name in classes:
        # "spin" the family has one child of the same name; ids tell them apart.
        group = group_of[name]
        nodes.append(
            dict(
                nodeId=len(nodes),
                nodeName=name,
                parentId=group_ids[group],
                parentName=group,
            )
        )
    return nodes


def _write_splits(
    folder: Path,
    classes: Sequence[str],
    stream: int,
    allowed: Callable[[List[str]], bool] = bool,
) -> None:
    """Seen (train) and unseen (test) classes of the zero-shot protocol.

    Args:
        folder: where the lists go.
        classes: all names.
        stream: of random numbers, another one for each set.
        allowed: whether a list of seen classes may be used.
    """
    for setting, (name, share) in enumerate(CLASS_SPLITS.items()):
        used = set()
        rng = np.random.default_rng([stream, setting])
        while len(used) < _SPLITS_PER_SETTING:
            order = rng.permutation(len(classes))[: int(share * len(classes))]
            chosen = frozenset(order.tolist())
            seen = [c for i, c in enumerate(classes) if i in chosen]
            if chosen in used or not allowed(seen):
                continue
            unseen = [c for i, c in enumerate(classes) if i not in chosen]
            index = len(used)
            used.add(chosen)
            write_text(folder / name / 'train' / f'split_{index}.list', seen)
            write_text(folder / name / 'test' / f'split_{index}.list', unseen)


def _words_are_seen(looks: List[str]) -> bool:
    """Whether unseen looks are new compositions of colours and shapes that are seen."""
    words = {word for look in looks for word in look.split('_')}
    return words == {word for look in LOOKS for word in look.split('_')}
