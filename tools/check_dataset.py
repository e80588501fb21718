"""Say what a data set has and what it lacks; exit with 1 if a run would miss something.

    python tools/check_dataset.py configs/_base_/datasets/qvhighlights.py
    python tools/check_dataset.py my_videos.jsonl --fps 0.5 \\
        --features slowfast=slowfast/{video_id}.npz clip=clip/{video_id}.npz \\
                   query=text/qid{query_id}.npz

The first argument is a config, whose train, val and test sets are checked, or an
annotation file. Headers of all feature files are read; --deep reads the whole files.
"""

import argparse
import os.path as osp
import sys
from collections import defaultdict
from functools import partial
from typing import Dict, List, Optional

from mmengine.config import Config
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from mmvtg.datasets.dataset_report import ERROR, DatasetReport, examine
from mmvtg.registry import DATASETS, register_all_modules
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main
from mmvtg.visualization import draw_histograms

SPLITS = ('train', 'val', 'test')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='config (.py) or annotation file (.jsonl[.gz])')
    parser.add_argument('--split', nargs='+', default=SPLITS, choices=SPLITS)
    parser.add_argument('--deep', action='store_true', help='read whole feature files')
    parser.add_argument('--pictures', metavar='DIR', help='draw histograms there')
    parser.add_argument(
        '--show', type=int, default=5, help='findings shown of each kind (%(default)s)'
    )
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    group = parser.add_argument_group('with an annotation file')
    group.add_argument('--fps', default='0.5', help='clips per second, or "auto"')
    group.add_argument(
        '--features',
        nargs='+',
        default=[],
        metavar='NAME=FOLDER/PATTERN',
        help='streams of features; the one called "query" is of the queries',
    )
    group.add_argument('--videos', help='folder of videos, {video_id}.mp4')
    return parser.parse_args()


def from_config(args: argparse.Namespace) -> Dict[str, dict]:
    """Split -> config of its data set; equal ones come once."""
    cfg: Config = load_config(args.source, args.cfg_options)
    found: Dict[str, dict] = {}
    for split in args.split:
        loader = cfg.get(f'{split}_dataloader')
        for index, dataset in enumerate(leaves(loader['dataset']) if loader else []):
            if dataset not in found.values():
                found[f'{split} {index + 1}' if index else split] = dataset
    if not found:
        raise ValueError(
            f'{args.source} has no data loaders of {", ".join(args.split)}'
        )
    return found


def leaves(dataset: dict) -> List[dict]:
    """The data sets inside of wrappers (RepeatDataset, ConcatDataset, ...)."""
    if 'datasets' in dataset:
        return [leaf for one in dataset['datasets'] for leaf in leaves(one)]
    return leaves(dataset['dataset']) if 'dataset' in dataset else [dataset]


def from_file(args: argparse.Namespace) -> Dict[str, dict]:
    """The same for an annotation file and feature folders."""
    prefix, names, streams = {}, {}, {}
    for item in args.features:
        name, _, address = item.partition('=')
        path, _, key = address.partition('::')
        if not name or '.' not in osp.basename(path):
            raise ValueError(f'--features {item}: want NAME=FOLDER/PATTERN.SUFFIX')
        prefix[name], pattern = osp.split(path)
        prefix[name] = prefix[name] or '.'
        names[name], streams[name] = f'{pattern}::{key}' if key else pattern, {}
    if args.videos:
        prefix['raw'] = args.videos
    fps = 'auto' if args.fps == 'auto' else float(args.fps)
    dataset = dict(type='GroundingDataset', ann_file=args.source, fps=fps)
    dataset.update(data_prefix=prefix, file_names=names, streams=streams or None)
    return {osp.basename(args.source).split('.')[0]: dataset}


def overview(reports: Dict[str, DatasetReport]) -> Table:
    """What was found, a column a split."""
    table = Table(title='what is there', title_justify='left', title_style='bold')
    table.add_column('')
    for split in reports:
        table.add_column(split, justify='right')
    for name, value in (
        ('queries', lambda r: f'{len(r.samples):,}'),
        ('videos', lambda r: f'{len(r.durations):,}'),
        ('hours', lambda r: f'{sum(r.durations.values()) / 3600:.1f}'),
        ('moments per query', _moments_per_query),
        ('seconds of a moment', _moment_length),
        ('video files', _video_files),
    ):
        table.add_row(name, *(value(report) for report in reports.values()))
    return table


def _moments_per_query(report: DatasetReport) -> str:
    counts = [len(sample['moments']) for sample in report.samples]
    return f'{sum(counts) / len(counts):.2f} (max {max(counts)})' if counts else '-'


def _moment_length(report: DatasetReport) -> str:
    lengths = [end - start for s in report.samples for start, end in s['moments']]
    return f'{sum(lengths) / len(lengths):.1f}' if lengths else '-'


def _video_files(report: DatasetReport) -> str:
    found = report.videos_found
    return '-' if found is None else f'{found:,} of {len(report.durations):,}'


def features(reports: Dict[str, DatasetReport]) -> Table:
    """Stored features, a row a stream and split."""
    table = Table(
        title='stored features (shape: of a clip or token)',
        title_justify='left',
        title_style='bold',
    )
    for column in ('split', 'stream', 'found', 'shape', 'size', 'folder'):
        justify = 'right' if column in ('found', 'size') else 'left'
        table.add_column(column, justify=justify, overflow='fold')
    for split, report in reports.items():
        for stream in report.streams:
            color = 'green' if stream.found == stream.wanted else 'red'
            table.add_row(
                split,
                stream.name,
                f'[{color}]{stream.found:,} of {stream.wanted:,}[/]',
                _shape(stream.shape),
                _size(stream.size),
                escape(stream.folder),
            )
    return table


def _shape(shape: Optional[tuple]) -> str:
    return ' x '.join(map(str, shape)) if shape else '-'


def _size(number: float) -> str:
    for unit in ('B', 'kB', 'MB', 'GB', 'TB'):
        if number < 1000 or unit == 'TB':
            return f'{number:.0f} {unit}' if unit == 'B' else f'{number:.1f} {unit}'
        number /= 1000
    return ''


def show_findings(
    console: Console, split: str, report: DatasetReport, most: int
) -> None:
    """List what is wrong, kind by kind, errors first."""
    kinds: Dict[tuple, List[str]] = defaultdict(list)
    for finding in sorted(report.findings, key=lambda f: f.severity != ERROR):
        kinds[finding.severity, finding.kind].append(finding.detail)
    for (severity, kind), details in kinds.items():
        style = 'bold red' if severity == ERROR else 'bold yellow'
        head = f'{split}: {len(details):,} x {kind}'
        console.print(f'[{style}]{severity}[/]  {escape(head)}', highlight=False)
        for detail in details[:most]:
            console.print(f'       {escape(detail)}', highlight=False, soft_wrap=True)
        if len(details) > most:
            console.print(f'       ... and {len(details) - most:,} more (--show)')


@tool_main(also=(ValueError,))
def main() -> int:
    args = parse_args()
    register_all_modules()
    console = Console()
    reports: Dict[str, DatasetReport] = {}
    is_config = args.source.endswith('.py')
    configs = from_config(args) if is_config else from_file(args)
    for split, config in configs.items():
        dataset = DATASETS.build(dict(config, lazy_init=True, pipeline=[]))
        bar = partial(track, description=split, console=console, transient=True)
        reports[split] = examine(dataset, args.deep, bar)
    console.print(overview(reports))
    if any(report.streams for report in reports.values()):
        console.print(features(reports))
    for split, report in reports.items():
        show_findings(console, split, report, args.show)
        if args.pictures and report.samples:
            path = osp.join(args.pictures, f'{split.replace(" ", "_")}.png')
            draw_histograms(report, path)
            console.print(f'histograms: {path}', highlight=False, soft_wrap=True)
    errors = sum(report.num_errors for report in reports.values())
    warnings = sum(len(report.findings) for report in reports.values()) - errors
    verdict = '[bold red]' if errors else '[bold green]'
    console.print(f'{verdict}{errors:,} errors, {warnings:,} warnings[/]')
    return int(errors > 0)


if __name__ == '__main__':
    sys.exit(main())
