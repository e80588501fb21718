"""Annotations of all videos -> the files of the benchmarks."""

from pathlib import Path
from typing import Iterator, List, Sequence

import numpy as np

from .annotations import SPLITS
from .scene import RESOLUTION
from .vocabulary import ACTIONS, FAMILIES, FAMILY_OF
from .writer import write_json, write_json_lines, write_text

_SUBSETS = dict(train='training', val='validation', test='testing')
#: Folder name -> number of seen classes; 75 % of ten classes is rounded down to seven.
CLASS_SPLITS = {'train_75_test_25': 7, 'train_50_test_50': 5}
_SPLITS_PER_SETTING = 10


def write_annotations(root: Path, version: str, records: Sequence[dict]) -> None:
    """Write all annotation files of a data set.

    Args:
        root: the data root.
        version: of the generator.
        records: what :func:`~.annotations.annotate` says of each video, in order.
    """
    for split in SPLITS:
        rows = [record for record in records if record['split'] == split]
        queries = [query for record in rows for query in record['queries']]
        write_json_lines(root / f'qvhighlights/{split}.jsonl', queries)
        _write_charades(root / 'charades_sta', split, queries)
        write_json_lines(
            root / f'tvsum/{split}.jsonl', (record['tvsum'] for record in rows)
        )
        write_text(root / f'recognition/{split}.txt', _clip_lines(rows))
        write_json_lines(
            root / f'retrieval/{split}.jsonl',
            (
                dict(vid=r['vid'], caption=r['caption'], duration=r['duration'])
                for r in rows
            ),
        )
    write_json(
        root / 'activitynet/moving_shapes_tad.json', activitynet(version, records)
    )
    _write_class_splits(root / 'activitynet/splits')


def _write_charades(folder: Path, split: str, queries: Sequence[dict]) -> None:
    """Only queries with one moment: this benchmark knows no others."""
    single = [query for query in queries if len(query['relevant_windows']) == 1]
    lines = []
    for query in single:
        start, end = query['relevant_windows'][0]
        lines.append(f'{query["vid"]} {start:.1f} {end:.1f}##{query["query"]}.')
    write_text(folder / f'{split}.txt', lines)
    fields = ('qid', 'query', 'duration', 'vid', 'relevant_windows')
    write_json_lines(
        folder / f'{split}.jsonl',
        ({field: query[field] for field in fields} for query in single),
    )


def _clip_lines(rows: Sequence[dict]) -> Iterator[str]:
    for record in rows:
        for start, end, label in record['clips']:
            yield f'{record["vid"]} {start} {end} {label}'


def activitynet(version: str, records: Sequence[dict]) -> dict:
    """The data set in the layout of ActivityNet-1.3.

    ``subset`` is training, validation or testing, and the split's own name for the two
    out-of-distribution splits.
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
                for start, end, label in record['segments']
            ],
        )
    return dict(
        version=f'MovingShapes {version}', taxonomy=taxonomy(), database=database
    )


def taxonomy() -> List[dict]:
    """ActivityNet's tree of classes: root, families, actions."""
    nodes = [dict(nodeId=0, nodeName='Root', parentId=None, parentName=None)]
    family_ids = {family: 1 + i for i, family in enumerate(FAMILIES)}
    for family, node in family_ids.items():
        nodes.append(dict(nodeId=node, nodeName=family, parentId=0, parentName='Root'))
    for action in ACTIONS:
        # "spin" the family has one child of the same name; ids tell them apart.
        family = FAMILY_OF[action]
        nodes.append(
            dict(
                nodeId=len(nodes),
                nodeName=action,
                parentId=family_ids[family],
                parentName=family,
            )
        )
    return nodes


def _write_class_splits(folder: Path) -> None:
    """Seen (train) and unseen (test) classes of the zero-shot protocol."""
    for setting, (name, seen) in enumerate(CLASS_SPLITS.items()):
        used = set()
        rng = np.random.default_rng([2, setting])
        while len(used) < _SPLITS_PER_SETTING:
            chosen = frozenset(rng.permutation(len(ACTIONS))[:seen].tolist())
            if chosen in used:
                continue
            index = len(used)
            used.add(chosen)
            for side, keep in (('train', True), ('test', False)):
                labels = [a for i, a in enumerate(ACTIONS) if (i in chosen) is keep]
                write_text(folder / name / side / f'split_{index}.list', labels)
