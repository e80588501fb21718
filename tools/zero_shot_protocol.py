"""Train and test a detector on all splits of a zero-shot protocol.

    python tools/zero_shot_protocol.py configs/stale/stale_...py
    python tools/zero_shot_protocol.py CONFIG --settings train_50_test_50 --splits 0 1 2
    python tools/zero_shot_protocol.py CONFIG --jobs 4 --gpus 0 1 2 3

Each split trains in a folder of its own and is tested with the weights of the last
epoch: unseen classes choose nothing. A second call goes on where the first stopped;
what is finished is not repeated. Mean and standard deviation over the splits go to
WORK_DIR/zero_shot.json and .md.

Where a second stage reads proposals, each split wants those of a detector that saw its
seen classes alone. Run the first stage's config, then the second's with
--cfg-options and the first one's WORK_DIR in

    'model.head.proposals=WORK_DIR/{setting}/split_{split}/test/proposals.json'
"""

import argparse
import copy
import json
import os
import os.path as osp
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Dict, List, Optional, Tuple

from mmengine.config import Config

from mmvtg.datasets.class_lists import read_class_list, require_disjoint
from mmvtg.registry import register_all_modules
from mmvtg.utils.files import write_atomic
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main
from mmvtg.utils.tool_runs import call_tool, newest_metrics, spread, spread_text

TOOLS = osp.dirname(osp.abspath(__file__))
SETTINGS = ('train_75_test_25', 'train_50_test_50')
RESULT = 'test_metrics.json'


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('--work-dir', help='default: work_dirs/CONFIG_zero_shot')
    parser.add_argument('--settings', nargs='+', default=list(SETTINGS))
    parser.add_argument('--splits', nargs='+', type=int, default=list(range(10)))
    parser.add_argument('--jobs', type=int, default=1, help='splits at the same time')
    parser.add_argument('--gpus', nargs='+', help='ids; each job takes the next one')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, default={})
    args = parser.parse_args(argv)
    if args.work_dir is None:
        name = osp.splitext(osp.basename(args.config))[0]
        args.work_dir = osp.join('work_dirs', f'{name}_zero_shot')
    return args


def split_config(cfg: Config, setting: str, split: int, out: str) -> Config:
    """The config of one split.

    Args:
        cfg (Config): Names the lists of some split, with ``setting`` and ``split_N``
            in their paths.
        setting (str): Folder of the lists, ``train_75_test_25``.
        split (int): Number of the split.
        out (str): Work directory.

    Raises:
        ValueError: If unseen classes would choose a checkpoint, or both data sets do
            not use lists of the same split.
    """
    cfg = copy.deepcopy(cfg)
    if cfg.get('val_dataloader') is not None:
        raise ValueError(
            'the config validates: in a zero-shot protocol unseen classes must not '
            'choose the checkpoint; set val_dataloader, val_cfg and val_evaluator to '
            'None'
        )
    if 'save_best' in cfg.default_hooks.get('checkpoint', {}):
        raise ValueError('the config has save_best: the last epoch is to be tested')
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    paths = dict(seen=train.classes, guard=train.get('unseen'), unseen=test.classes)
    for name, path in paths.items():
        if not isinstance(path, str):
            raise ValueError(
                f'{name} classes of the config are {path!r}, want the path of a list: '
                '`classes` and `unseen` of the training set, `classes` of the test set'
            )
    train.classes = of_split(train.classes, cfg.setting, cfg.split, setting, split)
    train.unseen = test.classes = of_split(
        test.classes, cfg.setting, cfg.split, setting, split
    )
    root = train.get('data_root', '')
    seen, unseen = (
        read_class_list(osp.join(root, path)) for path in (train.classes, test.classes)
    )
    require_disjoint(seen, unseen, f'{setting}, split {split}')
    proposals = cfg.get('model', {}).get('head', {}).get('proposals')
    if proposals is not None:
        cfg.model.head.proposals = proposals_of_split(proposals, setting, split)
    cfg.work_dir = out
    return cfg


def proposals_of_split(path: str, setting: str, split: int) -> str:
    """The path of a second stage's proposals with its two fields filled in."""
    if '{setting}' not in path or '{split}' not in path:
        raise ValueError(
            f'model.head.proposals is {path!r} for all splits, and the detector that '
            'made them knows classes that are unseen in some; write {setting} and '
            '{split} into the path, see the top of tools/zero_shot_protocol.py'
        )
    return path.format(setting=setting, split=split)


def of_split(path: str, setting: str, split: str, wanted: str, number: int) -> str:
    """The path of a list with setting and split replaced."""
    if setting not in path or split not in path:
        raise ValueError(
            f'{path}: has no {setting!r} and {split!r} in it; the config must set '
            '`setting` and `split` and use them in the paths of its lists'
        )
    return path.replace(setting, wanted).replace(split, f'split_{number}.list')


def run_split(cfg: Config, seed: int, gpu: Optional[str]) -> Dict[str, float]:
    """Train and test one split, or read what an earlier call found."""
    result = osp.join(cfg.work_dir, RESULT)
    if osp.isfile(result):
        with open(result, encoding='utf-8') as file:
            return json.load(file)
    os.makedirs(cfg.work_dir, exist_ok=True)
    config = osp.join(cfg.work_dir, 'split_config.py')
    cfg.dump(config)
    env = dict(os.environ)
    if gpu is not None:
        env['CUDA_VISIBLE_DEVICES'] = gpu
    here = [config, '--work-dir', cfg.work_dir]
    train = [*here, '--resume', '--seed', str(seed)]
    call_tool(osp.join(TOOLS, 'train.py'), train, cfg.work_dir, env)
    with open(osp.join(cfg.work_dir, 'last_checkpoint'), encoding='utf-8') as file:
        checkpoint = file.read().strip()
    test_dir = osp.join(cfg.work_dir, 'test')
    test = [config, checkpoint, '--work-dir', test_dir]
    call_tool(osp.join(TOOLS, 'test.py'), test, cfg.work_dir, env)
    metrics = newest_metrics(test_dir)
    write_atomic(result, json.dumps(metrics, indent=1).encode())
    return metrics


def summarise(results: Dict[str, Dict[int, Dict[str, float]]]) -> Tuple[dict, str]:
    """Mean and standard deviation (of a sample) over the splits of each setting.

    One split alone has no deviation: None, and nothing in the table.
    """
    summary, lines = {}, []
    for setting, splits in results.items():
        names = [n for n in next(iter(splits.values())) if n.startswith(('mAP', 'A'))]
        values = {name: [one[name] for one in splits.values()] for name in names}
        summary[setting] = {
            name: dict(spread(row), splits=len(row)) for name, row in values.items()
        }
        if not lines:
            lines += [
                '| setting | splits | ' + ' | '.join(names) + ' |',
                '| --- ' * (len(names) + 2) + '|',
            ]
        cells = [
            spread_text(one['mean'], one['std']) for one in summary[setting].values()
        ]
        lines.append(f'| {setting} | {len(splits)} | ' + ' | '.join(cells) + ' |')
    return summary, '\n'.join(lines) + '\n'


@tool_main('run the same command again to go on')
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    # every split is checked before the first one trains
    jobs = [
        (setting, split, split_config(cfg, setting, split, folder))
        for setting in args.settings
        for split in args.splits
        for folder in [osp.join(args.work_dir, setting, f'split_{split}')]
    ]
    gpus: Queue = Queue()
    for index in range(args.jobs):
        gpus.put(args.gpus[index % len(args.gpus)] if args.gpus else None)
    results: Dict[str, Dict[int, Dict[str, float]]] = {}
    lock = threading.Lock()

    def work(job: tuple) -> None:
        setting, split, config = job
        gpu = gpus.get()
        try:
            metrics = run_split(config, args.seed, gpu)
        finally:
            gpus.put(gpu)
        with lock:
            results.setdefault(setting, {})[split] = metrics
        sys.stdout.write(f'{setting} split {split}: mAP {metrics.get("mAP")}\n')

    with ThreadPoolExecutor(args.jobs) as pool:
        for done in [pool.submit(work, job) for job in jobs]:
            done.result()
    ordered = {
        s: dict(sorted(results[s].items())) for s in args.settings if s in results
    }
    summary, table = summarise(ordered)
    content = dict(config=args.config, summary=summary, splits=ordered)
    path = osp.join(args.work_dir, 'zero_shot')
    write_atomic(f'{path}.json', json.dumps(content, indent=1).encode())
    write_atomic(f'{path}.md', table.encode())
    sys.stdout.write(table)


if __name__ == '__main__':
    main()
