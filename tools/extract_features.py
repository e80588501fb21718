"""Store what the towers of a config say about its data sets.

Reads the config's `feature_extractor` and the data sets of its data loaders (and of
`extra_ann_files`, which are read like the test set), and writes one file a video and
one a query where the data sets look for them. Complete files are skipped, so a stopped
run goes on where it was.

    python tools/extract_features.py configs/r2_tuning/CONFIG.py --split all
"""

import argparse
import os.path as osp
import sys
from collections import defaultdict
from typing import Dict, List, Tuple

from mmengine.config import Config, DictAction
from mmengine.logging import MMLogger

from mmvtg.datasets.errors import BadSampleError
from mmvtg.extraction import ExtractionReport, FeatureExtractor
from mmvtg.registry import DATASETS, register_all_modules
from mmvtg.utils.launch import load_config

SPLITS = ('train', 'val', 'test')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('--split', nargs='+', default=['all'], choices=(*SPLITS, 'all'))
    parser.add_argument(
        '--only', choices=('video', 'query'), help='one kind of features'
    )
    parser.add_argument('--video-dir', help='folder of the videos, if not data_prefix')
    parser.add_argument('--out', help='folder to write to, if not data_prefix')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--num-workers', type=int, default=2, help='decoding threads')
    parser.add_argument(
        '--skip-bad', action='store_true', help='exit with 0 although samples are bad'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


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


def extract(cfg: Config, args: argparse.Namespace) -> List[ExtractionReport]:
    videos, queries = collect(find_datasets(cfg, args.split), args.video_dir, args.out)
    settings = dict(num_workers=args.num_workers, device=args.device)
    extractor = FeatureExtractor(**{**cfg.feature_extractor, **settings})
    reports = []
    for (folder, fps), items in videos.items() if args.only != 'query' else ():
        wanted = [(name, path, fps) for name, (path, fps) in sorted(items.items())]
        reports.append(extractor.extract_videos(wanted, folder, nominal_fps=fps))
        print(f'{folder}: {reports[-1].written} written, {reports[-1].present} present')
    for folder, items in queries.items() if args.only != 'video' else ():
        reports.append(extractor.extract_queries(sorted(items.items()), folder))
        print(f'{folder}: {reports[-1].written} written, {reports[-1].present} present')
    return reports


def main() -> int:
    args = parse_args()
    MMLogger.get_current_instance().setLevel('INFO')
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    if 'feature_extractor' not in cfg:
        raise SystemExit(f'{args.config} has no field `feature_extractor`')
    try:
        reports = extract(cfg, args)
    except (BadSampleError, FileNotFoundError, ValueError) as error:
        raise SystemExit(f'extract_features: {error}') from error
    failed = {name: why for report in reports for name, why in report.failed.items()}
    for name, why in failed.items():
        print(f'bad: {name}: {why}', file=sys.stderr)
    if failed:
        print(f'{len(failed)} samples have no features', file=sys.stderr)
    return int(bool(failed) and not args.skip_bad)


if __name__ == '__main__':
    sys.exit(main())
