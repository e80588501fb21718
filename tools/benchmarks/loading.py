"""Samples a second of the training loader, by layout of the stored features.

    python tools/benchmarks/loading.py
    python tools/benchmarks/loading.py --videos 400 --num-workers 4

Writes features as Moment-DETR publishes them (SlowFast 2304 and CLIP 512, 75 clips of a
video, float32 npz; words of a query), the same as npy, and as packs, and reads an epoch
of each through `GroundingDataset`, its transforms and a data loader:

- npz, npy: streams are normalised, joined and given endpoints at every access;
- pack, joined at access: the same from float16 packs;
- pack, joined before: one pack of float16 rows that were normalised and joined when the
  store was made, mapped, in memory (ram), or on the GPU (cuda).

Files are in the page cache, as they were just written. On a busy machine trust the CPU
time.
"""

import argparse
import json
import os
import os.path as osp
import tempfile
from typing import Any, Dict, List

import numpy as np
import torch
from cpu_time import Stopwatch
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from torch.utils.data import DataLoader

from mmvtg.datasets.pack_writer import PackWriter
from mmvtg.registry import DATASETS, register_all_modules
from mmvtg.utils.tool_main import tool_main

CLIPS, WORDS = 75, 20
STREAMS = dict(slowfast=2304, clip=512)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--videos', type=int, default=100)
    parser.add_argument('--num-workers', type=int, default=0)
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--repeats', type=int, default=10)
    return parser.parse_args()


def write(folder: str, count: int) -> None:
    """Annotations and all layouts of the same features."""
    rng = np.random.default_rng(0)
    packs = {name: open_pack(folder, name, dim) for name, dim in STREAMS.items()}
    packs['query'] = open_pack(folder, 'query', 512)
    packs['joined'] = open_pack(folder, 'joined', sum(STREAMS.values()) + 2)
    packs['query_unit'] = open_pack(folder, 'query_unit', 512)
    for layout in ('npz', 'npy'):
        for name in (*STREAMS, 'query'):
            os.makedirs(osp.join(folder, layout, name))
    with open(osp.join(folder, 'train.jsonl'), 'w') as file:
        for index in range(count):
            arrays = {n: rng.normal(size=(CLIPS, d)) for n, d in STREAMS.items()}
            arrays['query'] = rng.normal(size=(WORDS, 512))
            save(folder, f'v{index}', arrays, packs)
            line = dict(qid=f'v{index}', vid=f'v{index}', query='a query', duration=150)
            file.write(json.dumps(dict(line, relevant_windows=[[10, 20]])) + '\n')
    for pack in packs.values():
        pack.close()


def open_pack(folder: str, name: str, width: int) -> PackWriter:
    manifest = dict(kind='video', fps=0.5, row_shape=[width], dtype='float16')
    return PackWriter(osp.join(folder, 'pack', name), manifest, flush_seconds=1e9)


def save(folder: str, item: str, arrays: Dict[str, np.ndarray], packs: Dict) -> None:
    unit = {}
    for name, array in arrays.items():
        array = array.astype(np.float32)
        np.savez(osp.join(folder, 'npz', name, f'{item}.npz'), features=array)
        np.save(osp.join(folder, 'npy', name, f'{item}.npy'), array)
        packs[name].write(item, torch.from_numpy(array).half())
        unit[name] = array / (np.linalg.norm(array, axis=1, keepdims=True) + 1e-5)
    starts = np.arange(CLIPS, dtype=np.float32)[:, None] / CLIPS
    joined = [unit[name] for name in STREAMS] + [starts, starts + 1 / CLIPS]
    packs['joined'].write(item, torch.from_numpy(np.concatenate(joined, 1)).half())
    packs['query_unit'].write(item, torch.from_numpy(unit['query']).half())


def dataset(folder: str, prefix: Dict[str, str], suffix: str, load: dict, **kw: Any):
    names = [name for name in prefix if name != 'query']
    return DATASETS.build(
        dict(
            type='GroundingDataset',
            data_root=folder,
            ann_file='train.jsonl',
            data_prefix=prefix,
            file_names=dict.fromkeys((*names, 'query'), '{video_id}' + suffix),
            fps=0.5,
            pipeline=[load, dict(type='PackGroundingInputs')],
            **kw,
        )
    )


def layouts(folder: str) -> Dict[str, Any]:
    """Name -> data set."""
    streams = dict.fromkeys((*STREAMS, 'query'), {})
    join = dict(
        type='LoadStoredFeatures',
        normalize=[*STREAMS, 'query'],
        temporal_endpoints=True,
    )
    made = {}
    for layout, suffix in (('npz', '.npz'), ('npy', '.npy'), ('pack', '.npy')):
        prefix = {name: f'{layout}/{name}' for name in streams}
        name = 'pack, joined at access' if layout == 'pack' else layout
        made[name] = dataset(folder, prefix, suffix, join, streams=streams)
    prefix = dict(video='pack/joined', query='pack/query_unit')
    places: List = [None, 'ram'] + ['cuda'] * torch.cuda.is_available()
    for place in places:
        load = dict(type='LoadPackedFeatures', preload=place)
        name = f'pack, joined before, {place or "mapped"}'
        made[name] = dataset(folder, prefix, '.npy', load)
    return made


def epoch(loader: DataLoader) -> float:
    """Read everything, and use each number once, as a copy to the model would."""
    total = 0.0
    for batch in loader:
        video = torch.stack(batch['inputs']['video'])
        query = torch.stack(batch['inputs']['query'])
        total += float(video[0, 0].float().sum() + query[0, 0].float().sum())
    return total


@tool_main()
def main() -> None:
    args = parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')
    register_all_modules()
    print('| | samples/s | CPU ms a sample |\n| --- | ---: | ---: |')
    with tempfile.TemporaryDirectory() as folder:
        write(folder, args.videos)
        for name, data in layouts(folder).items():
            in_place = name.endswith(('ram', 'cuda'))
            loader = DataLoader(
                data,
                args.batch_size,
                shuffle=True,
                num_workers=0 if in_place else args.num_workers,
                collate_fn=pseudo_collate,
            )
            epoch(loader)
            with Stopwatch() as watch:
                for _ in range(args.repeats):
                    epoch(loader)
            count = args.repeats * len(data)
            cost = 1000 * watch.cpu / count
            print(f'| {name} | {count / watch.wall:.0f} | {cost:.2f} |', flush=True)


if __name__ == '__main__':
    main()
