"""Packs from published folders of features, and back.

    python tools/dataset_converters/feature_pack.py import FOLDER PACK --fps 0.5
    python tools/dataset_converters/feature_pack.py export PACK FOLDER --layout npz
    python tools/dataset_converters/feature_pack.py check PACK
    python tools/dataset_converters/feature_pack.py merge PACK NEW_PACK

`import` reads {id}.npz, .npy, .pt or .h5; of several arrays in a file --key is taken,
or the one called `features`, `last_hidden_state` or `token`. It goes on where it was
stopped. Bad files are listed and end nothing, but the exit code is 1. `merge` makes one
part of many.
"""

import argparse
import json
import os
import os.path as osp
import sys
from typing import Dict, Iterator, Optional, Tuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mmvtg.datasets.array_files import SUFFIXES, read_array
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.feature_pack import DTYPES, FeaturePack
from mmvtg.datasets.pack_writer import PackWriter
from mmvtg.datasets.store_manifest import MANIFEST, read_manifest
from mmvtg.utils.files import replacing, write_atomic
from mmvtg.utils.tool_main import tool_main


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)
    one = commands.add_parser('import')
    one.add_argument('folder')
    one.add_argument('pack')
    one.add_argument('--key', help='array of an npz file')
    one.add_argument('--dtype', choices=DTYPES, help='default: of the first file')
    one.add_argument('--fps', type=float, help='clips per second, for the manifest')
    one.add_argument('--model', help='what made them, for the manifest')
    one = commands.add_parser('export')
    one.add_argument('pack')
    one.add_argument('folder')
    one.add_argument('--layout', choices=('npz', 'npy'), default='npz')
    one.add_argument('--key', default='features', help='array of the npz files')
    one = commands.add_parser('check')
    one.add_argument('pack')
    one = commands.add_parser('merge')
    one.add_argument('pack')
    one.add_argument('new_pack')
    return parser.parse_args()


def feature_files(folder: str, key: Optional[str]) -> Iterator[Tuple[str, str]]:
    """(id, address) of the arrays of a published folder."""
    for name in sorted(os.listdir(folder)):
        stem, suffix = osp.splitext(name)
        if suffix in SUFFIXES and not name.startswith('.'):
            key_part = f'::{key}' if key else ''
            yield stem, osp.join(folder, name) + key_part


def guess_manifest(args: argparse.Namespace) -> Dict[str, object]:
    """The folder's own manifest, or what its first good file and the options say."""
    own = read_manifest(args.folder) or {}
    for _, path in feature_files(args.folder, args.key):
        try:
            first = read_array(path)
            break
        except ValueError:
            continue
    else:
        raise SystemExit(f'{args.folder}: no readable feature file')
    dtype = args.dtype or str(first.dtype)
    if dtype not in DTYPES:
        dtype = 'float32'
    said = dict(fps=args.fps, model=args.model)
    said = {key: value for key, value in said.items() if value is not None}
    shape = list(first.shape[1:])
    return {'kind': 'video', **own, **said, 'row_shape': shape, 'dtype': dtype}


def import_folder(args: argparse.Namespace) -> int:
    manifest = guess_manifest(args)
    dtype, bad = getattr(torch, manifest['dtype']), {}
    with PackWriter(args.pack, manifest) as pack:
        for name, path in tqdm(
            list(feature_files(args.folder, args.key)), desc='importing'
        ):
            if name in pack:
                continue
            try:
                array = read_array(path)
                pack.write(name, torch.from_numpy(array).to(dtype))
            except BadSampleError as error:
                bad[name] = str(error)
            except (ValueError, FileNotFoundError) as error:
                bad[name] = f'{path} is damaged ({error})'
    for name, why in bad.items():
        print(f'bad: {name}: {why}', file=sys.stderr)
    return int(bool(bad))


def export_pack(args: argparse.Namespace) -> int:
    pack = FeaturePack(args.pack)
    for name in tqdm(pack.ids(), desc='exporting'):
        array = to_numpy(pack[name])
        path = osp.join(args.folder, f'{name}.{args.layout}')
        if osp.relpath(path, args.folder).startswith('..'):
            raise ValueError(f'the id {name!r} leads out of {args.folder}')
        with replacing(path) as temporary, open(temporary, 'wb') as file:
            if args.layout == 'npz':
                np.savez(file, **{args.key: array})
            else:
                np.save(file, array, allow_pickle=False)
    manifest = {k: v for k, v in pack.manifest.items() if not k.startswith('format')}
    manifest['dtype'] = str(array.dtype) if len(pack) else manifest['dtype']
    data = json.dumps(manifest, indent=2, sort_keys=True).encode()
    write_atomic(osp.join(args.folder, MANIFEST), data)
    return 0


def to_numpy(rows: Tensor) -> np.ndarray:
    return (rows.float() if rows.dtype == torch.bfloat16 else rows).numpy()


def check_pack(args: argparse.Namespace) -> int:
    pack = FeaturePack(args.pack)
    rows = sum(entry.rows for entry in pack.entries.values())
    print(
        f'{args.pack}: {len(pack)} items, {rows} rows of {list(pack.row_shape)} '
        f'{pack.manifest["dtype"]}, {pack.num_bytes / 2**20:.1f} MiB'
    )
    damaged = list(pack.damaged())
    for name in damaged:
        print(f'bad: {name}: is not what was written', file=sys.stderr)
    return int(bool(damaged))


def merge_parts(args: argparse.Namespace) -> int:
    pack = FeaturePack(args.pack)
    with PackWriter(args.new_pack, pack.manifest) as merged:
        for name in tqdm(pack.ids(), desc='merging'):
            if name not in merged:
                merged.write(name, pack[name])
    return 0


@tool_main('run the same command again to go on', also=(ValueError,))
def main() -> int:
    args = parse_args()
    run = {
        'import': import_folder,
        'export': export_pack,
        'check': check_pack,
        'merge': merge_parts,
    }
    return run[args.command](args)


if __name__ == '__main__':
    sys.exit(main())
