"""Store the features that a config reads: streams of videos, and queries.

    python tools/extract_features.py CONFIG
    python tools/extract_features.py CONFIG --videos DIR|LIST --out STORE
    python tools/extract_features.py CONFIG --queries ANNOTATIONS --out STORE

The block `encoding` of the config names the tower of each stream and of the queries;
configs/_base_/features has configs of nothing else. The first form fills the feature
folders of the config's data sets (and of its `extra_ann_files`, which are read like the
test set). The second form encodes a folder or list of videos: one stream into STORE,
several streams into STORE/<stream>. The third form encodes the queries of a JSON lines
file.

Items that are stored already are skipped, so run the same command again after an
interruption. Several processes share the work with `--shard i/n`, or on a Ray cluster
with `--engine ray`.
"""

import argparse
import json
import os
import os.path as osp
import sys
from dataclasses import replace
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmvtg.datasets.encoding_spec import parse_encoding
from mmvtg.datasets.feature_streams import QUERY
from mmvtg.extraction.jobs import Job, report_entry, run_here
from mmvtg.extraction.planning import JobPlanner
from mmvtg.extraction.work_list import list_queries, list_videos, parse_shard
from mmvtg.registry import register_all_modules
from mmvtg.utils.files import write_atomic
from mmvtg.utils.launch import ConfigOptions, leaf_datasets, load_config
from mmvtg.utils.tool_main import tool_main

SPLITS = ('train', 'val', 'test')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    what = parser.add_argument_group('what')
    what.add_argument('--split', nargs='+', default=['all'], choices=(*SPLITS, 'all'))
    what.add_argument(
        '--streams',
        nargs='+',
        metavar='NAME',
        help='streams of the config; `query` is one; default: all with a tower',
    )
    what.add_argument('--only', choices=('video', 'query'), help='one kind of features')
    what.add_argument('--video-dir', help='folder of the videos, if not data_prefix')
    what.add_argument('--videos', help='folder of videos, or list of paths')
    what.add_argument('--queries', help='JSON lines with qid and query')
    what.add_argument('--fps', type=float, help="clips per second, if not the config's")
    what.add_argument(
        '--image-fps',
        type=float,
        help='images per second of folders of images; default: one image per clip',
    )
    store = parser.add_argument_group('store')
    store.add_argument('--out', help='folder to write to, if not data_prefix')
    store.add_argument(
        '--layout',
        choices=('npy', 'pack'),
        help='default: npy for data sets that read .npy files, else pack',
    )
    store.add_argument('--dtype', choices=('float16', 'bfloat16', 'float32'))
    store.add_argument('--report', help='JSON file; default: in STORE of --videos')
    store.add_argument(
        '--skip-bad', action='store_true', help='exit with 0 although samples are bad'
    )
    how = parser.add_argument_group('how')
    how.add_argument('--device', help='default: an accelerator if there is one')
    how.add_argument('--autocast', choices=('float16', 'bfloat16'))
    how.add_argument('--num-workers', type=int, default=2, help='decoding processes')
    how.add_argument('--batch-frames', type=int)
    how.add_argument(
        '--backend', choices=('auto', 'pyav', 'decord'), help='video decoder'
    )
    how.add_argument(
        '--deadline',
        type=float,
        help='seconds without progress after which a video is given up',
    )
    how.add_argument('--shard', help='i/n with i from 0, or env (torchrun, Slurm)')
    how.add_argument('--engine', choices=('local', 'ray'), default='local')
    how.add_argument('--ray-address', help='address of a cluster; default: a local one')
    how.add_argument('--ray-actors', type=int, default=2)
    how.add_argument('--ray-gpus', type=float, default=0, help='GPUs of each actor')
    args = parser.parse_args()
    if (args.videos or args.queries) and not args.out:
        parser.error('--videos and --queries need --out STORE')
    if args.videos and args.queries:
        parser.error('--videos and --queries need stores of their own; call twice')
    if args.streams and args.only:
        parser.error('--streams and --only exclude each other')
    return args


def find_datasets(cfg: Config, splits: list[str]) -> list[dict]:
    """Return the configs of the data sets that the data loaders of splits use."""
    wanted = SPLITS if 'all' in splits else splits
    loaders = [cfg.get(f'{split}_dataloader') for split in wanted]
    found = [one for load in loaders if load for one in leaf_datasets(load['dataset'])]
    extra = cfg.get('extra_ann_files', []) if 'all' in splits else []
    if extra and cfg.get('test_dataloader') is None:
        raise SystemExit(
            'extra_ann_files are read like the test set, and there is none'
        )
    for ann_file in extra:
        found += [
            dict(leaf, ann_file=ann_file)
            for leaf in leaf_datasets(cfg.test_dataloader['dataset'])
        ]
    return found


def common_settings(args: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of FeatureExtractor that do not depend on the stream."""
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    if device == 'cuda' and 'LOCAL_RANK' in os.environ:  # torchrun
        device = f'cuda:{os.environ["LOCAL_RANK"]}'
    given = dict(
        num_workers=args.num_workers,
        device=device,
        storage_dtype=args.dtype,
        autocast=args.autocast,
        batch_frames=args.batch_frames,
        backend=args.backend,
        deadline=args.deadline,
    )
    return {key: value for key, value in given.items() if value is not None}


def plan(cfg: Config, args: argparse.Namespace) -> list[Job]:
    """Return the jobs that the command line stands for."""
    spec = parse_encoding(cfg.encoding.to_dict())
    names = [QUERY] if args.only == 'query' or args.queries else args.streams
    if args.only == 'video':
        spec = replace(spec, query=None)
    planner = JobPlanner(
        spec, common_settings(args), names, args.layout, args.fps, args.image_fps
    )
    if args.queries:
        return planner.of_queries(list_queries(args.queries), args.out)
    if args.videos:
        return planner.of_videos(list_videos(args.videos), args.out)
    return planner.of_datasets(find_datasets(cfg, args.split), args.video_dir, args.out)


def extract(
    cfg: Config, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], str | None]:
    """Run the jobs; return their reports, and the path of the report file."""
    jobs, shard = plan(cfg, args), parse_shard(args.shard)
    if args.engine == 'ray':
        from mmvtg.extraction.ray_engine import run_on_ray

        reports = run_on_ray(
            jobs, args.ray_actors, args.ray_address, gpus=args.ray_gpus
        )
    else:
        reports = run_here(jobs, shard)
    path = args.report
    if path is None and (args.videos or args.queries):
        path = osp.join(args.out, f'report-{shard.part}.json')
    return [report_entry(job, report) for job, report in zip(jobs, reports)], path


@tool_main('run the same command again to go on', also=(ValueError,))
def main() -> int:
    args = parse_args()
    MMLogger.get_current_instance().setLevel('INFO')
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    if cfg.get('encoding') is None:
        raise SystemExit(
            f'{args.config} has no block `encoding`, so it does not say which '
            'towers make its features; configs/_base_/features has such blocks'
        )
    done, path = extract(cfg, args)
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
