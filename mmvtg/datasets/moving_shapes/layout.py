"""Annotations of all videos -> the files of the benchmarks."""

from pathlib import Path
from typing import Iterator, Sequence

from .annotations import SPLITS
from .detection_layout import write_detection
from .writer import write_json_lines, write_text


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
    write_detection(root / 'activitynet', version, records)


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
