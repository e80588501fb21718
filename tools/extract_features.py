"""Store what the towers of a config say about videos and queries.

    python tools/extract_features.py CONFIG
    python tools/extract_features.py CONFIG --videos DIR|LIST --out STORE
    python tools/extract_features.py CONFIG --queries ANNOTATIONS --out STORE

The first form reads the data sets of the config's data loaders (and of its
`extra_ann_files`, which are read like the test set) and writes one file a video and one
a query where the data sets look for them. The others make a pack of a folder or list of
videos, or of the queries of a JSON lines file. `feature_extractor` of the config names
the towers; configs/_base_/features has configs with nothing else.

What is there is skipped, so a stopped run goes on where it was. Several processes share
the work with `--shard i/n`, or on a Ray cluster with `--engine ray`.
"""

import argparse
import json
import os
import os.path as osp
import sys
from collections import defaultdict
from typing import Any, Dict, List, Tuple

from mmengine.config import Config, DictAction
from mmengine.logging import MMLogger

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.pack_writer import StoreBusyError
from mmvtg.extraction.jobs import Job, run_here, summarise
from mmvtg.extraction.work_list import list_queries, list_videos, parse_shard
from mmvtg.registry import DATASETS, register_all_modules
from mmvtg.utils.files import write_atomic
from mmvtg.utils.launch import load_config

SPLITS = ('train', 'val', 'test')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    what = parser.add_argument_group('what')
    what.add_argument('--split', nargs='+', default=['all'], choices=(*SPLITS, 'all'))
    what.add_argument('--only', choices=('video', 'query'), help='one kind of features')
    what.add_argument('--video-dir', help='folder of the videos, if not data_prefix')
    what.add_argument('--videos', help='folder of videos, or list of paths')
    what.add_argument('--queries', help='JSON lines with qid and query')
    what.add_argument('--fps', type=float, help="clips per second, if not the config's")
    store = parser.add_argument_group('store')
    store.add_argument('--out', help='folder to write to, if not data_prefix')
    store.add_argument(
        '--layout',
        choices=('npy', 'pack'),
        help='default: npy for data sets of a config',
    )
    store.add_argument('--dtype', choices=('float16', 'bfloat16', 'float32'))
    store.add_argument('--report', help='JSON file; default: in the store of --videos')
    store.add_argument(
        '--skip-bad', action='store_true', help='exit with 0 although samples are bad'
    )
    how = parser.add_argument_group('how')
    how.add_argument('--device', default='cpu')
    how.add_argument('--autocast', choices=('float16', 'bfloat16'))
    how.add_argument('--num-workers', type=int, default=2, help='decoding processes')
    how.add_argument('--batch-frames', type=int)
    how.add_argument('--shard', help='i/n with i from 0, or env (torchrun, Slurm)')
    how.add_argument('--engine', choices=('local', 'ray'), default='local')
    how.add_argument('--ray-address', help='of a cluster; default: a local one')
    how.add_argument('--ray-actors', type=int, default=2)
    how.add_argument('--ray-gpus', type=float, default=0, help='of an actor')
    args = parser.parse_args()
    if (args.videos or args.queries) and not args.out:
        parser.error('--videos and --queries need --out STORE')
    if args.videos and args.queries:
        parser.error('--videos and --queries go into stores of their own; call twice')
    return args


def one_store(cfg: Config, args: argparse.Namespace) -> List[Job]:
    """The job of ``--videos`` or ``--queries``."""
    layout = args.layout or 'pack'
    if args.queries:
        return [Job('query', args.out, list_queries(args.queries), layout)]
    fps = args.fps or cfg.feature_extractor.get('fps') or cfg.get('fps')
    if not isinstance(fps, (int, float)):
        raise ValueError(f'{args.config}: fps is {fps!r}; say --fps, clips per second')
    items = [(name, path, fps) for name, path in list_videos(args.videos)]
    return [Job('video', args.out, items, layout, fps)]


def find_datasets(cfg: Config, splits: List[str]) -> List[dict]:
    """Configs of the data sets that the data loaders of these splits use."""
    wanted = SPLITS if 'all' in splits else splits
    loaders = [cfg.get(f'{split}_dataloader') for split in wanted]
    found = [leaf for loader in loaders if loader for leaf in leaves(loader['dataset'])]
    extra = cfg.get('extra_ann_files', []) if 'all' in splits else []
    if extra and cfg.get('test_dataloader') is None:
        raise SystemExit(
            'extra_ann_files are read like the test set, and there is none'
        )
    for ann_file in extra:
        found += [
            dict(leaf, ann_file=ann_file)
            for leaf in leaves(cfg.test_dataloader['dataset'])
        ]
    return found


def leaves(dataset: dict) -> List[dict]:
    """The data sets inside of wrappers (RepeatDataset, ConcatDataset, ...)."""
    if 'datasets' in dataset:
        return [leaf for one in dataset['datasets'] for leaf in leaves(one)]
    if 'dataset' in dataset:
        return leaves(dataset['dataset'])
    return [dataset]


def collect(
    datasets: List[dict], video_dir: str, out: str
) -> Tuple[Dict[tuple, dict], Dict[str, dict]]:
    """What to encode, each thing once.

    Returns:
        tuple: (folder, fps) -> {name: (path, fps)} of videos, folder -> {name: text}.
    """
    videos, queries = defaultdict(dict), defaultdict(dict)
    for config in datasets:
        dataset = DATASETS.build(dict(config, lazy_init=True, pipeline=[]))
        for sample in dataset.load_data_list():
            if 'video_feature_path' in sample:
                folder, name = split_path(sample['video_feature_path'], out)
                path = sample.get('video_path')
                if path is None and video_dir is None:
                    raise SystemExit(
                        f'{dataset.ann_file}: no folder of videos; set '
                        'data_prefix.raw of the data set, or --video-dir'
                    )
                if video_dir is not None:
                    path = path or f'{sample["video_id"]}.mp4'
                    path = osp.join(video_dir, osp.basename(path))
                videos[folder, dataset.fps][name] = (path, sample['fps'])
            if 'query_feature_path' in sample:
                folder, name = split_path(sample['query_feature_path'], out)
                text = queries[folder].setdefault(name, sample['query'])
                if text != sample['query']:
                    raise SystemExit(
                        f'{dataset.ann_file}: {name} names two queries, {text!r} and '
                        f'{sample["query"]!r}; give each its own query_id'
                    )
    return videos, queries


def split_path(path: str, out: str) -> Tuple[str, str]:
    folder, name = osp.split(path)
    if out is not None:
        folder = osp.join(out, osp.basename(folder))
    return folder, osp.splitext(name)[0]


def stores_of_datasets(cfg: Config, args: argparse.Namespace) -> List[Job]:
    """The jobs of the config's data sets."""
    videos, queries = collect(find_datasets(cfg, args.split), args.video_dir, args.out)
    layout, jobs = args.layout or 'npy', []
    for (folder, fps), items in videos.items() if args.only != 'query' else ():
        wanted = [(name, path, fps) for name, (path, fps) in sorted(items.items())]
        jobs.append(Job('video', folder, wanted, layout, fps))
    for folder, items in queries.items() if args.only != 'video' else ():
        jobs.append(Job('query', folder, sorted(items.items()), layout))
    if not jobs:
        raise ValueError(
            f'nothing to extract: the data sets of {args.config} name no folder of '
            f'{args.only or "video or query"} features (data_prefix and streams)'
        )
    return jobs


def extract(cfg: Config, args: argparse.Namespace) -> Tuple[List[Dict[str, Any]], str]:
    """Run the jobs; returns what was done and where the report goes, if anywhere."""
    own = args.videos or args.queries
    jobs = one_store(cfg, args) if own else stores_of_datasets(cfg, args)
    device = args.device
    if device == 'cuda' and 'LOCAL_RANK' in os.environ:  # torchrun
        device = f'cuda:{os.environ["LOCAL_RANK"]}'
    given = dict(
        num_workers=args.num_workers,
        device=device,
        storage_dtype=args.dtype,
        autocast=args.autocast,
        batch_frames=args.batch_frames,
    )
    given = {key: value for key, value in given.items() if value is not None}
    settings = {**cfg.feature_extractor.to_dict(), **given}
    shard = parse_shard(args.shard)
    if args.engine == 'ray':
        from mmvtg.extraction.ray_engine import run_on_ray

        reports = run_on_ray(
            settings, jobs, args.ray_actors, args.ray_address, gpus=args.ray_gpus
        )
    else:
        reports = run_here(settings, jobs, shard)
    path = args.report
    if path is None and own:
        path = osp.join(args.out, f'report-{shard.part}.json')
    return [summarise(job, report) for job, report in zip(jobs, reports)], path


def main() -> int:
    args = parse_args()
    MMLogger.get_current_instance().setLevel('INFO')
    register_all_modules()
    try:
        cfg = load_config(args.config, args.cfg_options)
        if 'feature_extractor' not in cfg:
            raise SystemExit(f'{args.config} has no field `feature_extractor`')
        done, path = extract(cfg, args)
    except (BadSampleError, StoreBusyError, OSError, ValueError, ImportError) as error:
        raise SystemExit(f'extract_features: {error}') from error
    for one in done:
        waited = one['waited'] / one['seconds'] if one['seconds'] else 0
        print(
            f'{one["store"]}: {one["written"]} written, {one["present"]} present; '
            f'{one["clips_per_second"]:g} rows/s, {waited:.0%} of the time waiting for '
            'the decoder'
        )
    failed = {name: why for one in done for name, why in one['failed'].items()}
    if path is not None:
        write_atomic(path, json.dumps(done, indent=1).encode())
    for name, why in failed.items():
        print(f'bad: {name}: {why}', file=sys.stderr)
    if failed:
        where = f'; see {path}' if path else ''
        print(f'{len(failed)} samples have no features{where}', file=sys.stderr)
    return int(bool(failed) and not args.skip_bad)


if __name__ == '__main__':
    sys.exit(main())
