"""The model zoo: what there is, what is known of a model, its weights.

    python tools/model_zoo.py list 'r2-tuning*'
    python tools/model_zoo.py table
    python tools/model_zoo.py info r2-tuning_clip-b32-k4_1xb128-30e_qvhighlights
    python tools/model_zoo.py download r2-tuning_clip-b32-k4_1xb4-500e_tvsum@BK

``download`` prints the path of a checkpoint that the model's config loads. Downloads go
on where they broke off, hashes are checked, checkpoints of the authors are converted.
The cache is $MMVTG_CACHE, else ~/.cache/mmvtg; mirrors may stand in $MMVTG_MIRRORS.
"""

import argparse
import os
import os.path as osp
import sys
from typing import List, Optional

import mmvtg
from mmvtg.apis.metafiles import NO_HASH, ModelEntry, get_model, list_models, root
from mmvtg.apis.model_zoo import download
from mmvtg.utils.tool_main import tool_main


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)
    part = commands.add_parser('list', help='names of models')
    part.add_argument('pattern', nargs='?', default='*', help='with * and ?')
    part.add_argument(
        '--weights', action='store_true', help='only those with a checkpoint'
    )
    commands.add_parser('table', help='Markdown: models that come with mmvtg, results')
    part = commands.add_parser('info', help='what the metafiles say of a model')
    part.add_argument('name', help='model')
    part = commands.add_parser('download', help='get weights')
    part.add_argument('name', help='model, or MODEL@RELEASE')
    part.add_argument('--folder', help='where to put them (the cache)')
    part.add_argument(
        '--mirror',
        action='append',
        default=[],
        metavar='URL|FOLDER|OLD=NEW',
        help='also look there; may be given several times',
    )
    return parser.parse_args(argv)


def print_names(names: List[str], weights: bool) -> None:
    """One a line; with ``weights`` only those that have some, and where they are."""
    if not weights:
        print('\n'.join(names))
        return
    places = {name: place_of_weights(get_model(name)) for name in names}
    places = {name: place for name, place in places.items() if place}
    width = max(map(len, places), default=0)
    for name, place in places.items():
        print(f'{name:{width}}  {place}')


def place_of_weights(entry: ModelEntry) -> str:
    """Where weights are; empty if there are none."""
    if entry.weights:
        kind = entry.weights.partition(':')[0]
        return 'comes with mmvtg' if kind == 'package' else 'download'
    if any(release.weights for release in entry.releases):
        return 'download, of the authors'
    return 'a page of the authors (info)' if entry.releases else ''


def describe(entry: ModelEntry) -> str:
    """Text of what is known of a model."""
    lines = [entry.name, f'  config: {osp.relpath(entry.config, root())}']
    lines += [f'  method: {entry.collection}']
    lines += [f'  {key.lower()}: {value}' for key, value in entry.metadata.items()]
    for result in entry.results:
        metrics = ', '.join(f'{k} {v}' for k, v in result['Metrics'].items())
        lines.append(f'  {result["Task"]} on {result["Dataset"]}: {metrics}')
    lines.append(f'  weights: {entry.weights or "none published"}')
    if entry.weights:
        lines.append(f'    SHA-256: {entry.sha256 or NO_HASH}')
    for release in entry.releases:
        lines += [
            f'  of the authors: {entry.name}@{release.name}',
            f'    {release.weights or f"by a browser: {release.page}"}',
            f'    SHA-256: {release.sha256 or NO_HASH}, licence: {release.license}',
            f'    code: {release.code}, converter: {release.converter}',
        ]
    return '\n'.join(lines)


def table() -> str:
    """Markdown: what the models whose weights come with mmvtg were measured to give."""
    lines = ['| model | MiB | measured on | |', '| --- | ---: | --- | --- |']
    for name in list_models():
        entry = get_model(name)
        kind, _, path = (entry.weights or '').partition(':')
        if kind != 'package':
            continue
        size = osp.getsize(osp.join(osp.dirname(mmvtg.__file__), path)) / 2**20
        config = osp.relpath(entry.config, root()).replace(os.sep, '/')
        first = f'[{entry.name}](../{config}) | {size:.1f}'
        for result in entry.results or [dict(Dataset='', Metrics={})]:
            numbers = ', '.join(f'{k} {v}' for k, v in result['Metrics'].items())
            lines.append(f'| {first} | {result["Dataset"]} | {numbers} |')
            first = ' | '
    return '\n'.join(lines)


@tool_main(also=(ValueError,))
def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    if args.command == 'list':
        print_names(list_models(args.pattern), args.weights)
    elif args.command == 'table':
        print(table())
    elif args.command == 'info':
        print(describe(get_model(args.name)))
    else:
        progress = sys.stderr.isatty()
        print(download(args.name, args.folder, args.mirror, progress))
    return 0


if __name__ == '__main__':
    sys.exit(main())
