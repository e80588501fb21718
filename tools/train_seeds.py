"""Train a config with several seeds; test the last and the best epoch of each.

    python tools/train_seeds.py configs/r2_tuning/....py --seeds 0 1 2 --jobs 2
    python tools/train_seeds.py CONFIG --ann-files qvhighlights/test.jsonl \\
        qvhighlights/novel_word.jsonl --metrics MR-full-R1@0.5 MR-full-mAP

Each seed has a folder of its own; a second call goes on where the first stopped, and
what is finished is not repeated. Mean and standard deviation over the seeds go to
WORK_DIR/seeds.json and .md. "Best" is the epoch that `save_best` of the config chose on
the validation set; where the config has none, only the last epoch is tested.
"""

import argparse
import json
import os.path as osp
import sys
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from glob import glob
from typing import Dict, List, Optional

from mmvtg.utils import write_atomic
from mmvtg.utils.launch import load_config
from mmvtg.utils.tool_main import tool_main
from mmvtg.utils.tool_runs import call_tool, newest_metrics, spread, spread_text

TOOLS = osp.dirname(osp.abspath(__file__))
#: Of one seed: annotation file -> 'last' or 'best' -> metrics.
Tests = Dict[str, Dict[str, Dict[str, float]]]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--work-dir', help='default: work_dirs/CONFIG_seeds')
    parser.add_argument(
        '--ann-files',
        nargs='+',
        metavar='FILE',
        help='test on these annotations (default: the ones of the config)',
    )
    parser.add_argument(
        '--metrics',
        nargs='+',
        default=['*'],
        metavar='PATTERN',
        help='columns of the table, with * and ? (all); seeds.json has all of them',
    )
    parser.add_argument('--jobs', type=int, default=1, help='seeds at the same time')
    # handed on to the tools as they are
    parser.add_argument('--cfg-options', nargs='+', default=[])
    args = parser.parse_args(argv)
    if args.work_dir is None:
        name = osp.splitext(osp.basename(args.config))[0]
        args.work_dir = osp.join('work_dirs', f'{name}_seeds')
    return args


def checkpoints(folder: str) -> Dict[str, str]:
    """Paths of the last checkpoint of a training, and of the best if one was chosen."""
    with open(osp.join(folder, 'last_checkpoint'), encoding='utf-8') as file:
        found = {'last': file.read().strip()}
    best = glob(osp.join(folder, 'best_*.pth'))
    if best:
        found['best'] = max(best, key=osp.getmtime)
    return found


def run_seed(args: argparse.Namespace, seed: int, files: List[str]) -> Tests:
    """Train one seed and test it, or read what an earlier call found."""
    folder = osp.join(args.work_dir, f'seed_{seed}')
    done = osp.join(folder, 'tests.json')
    tests: Tests = {}
    if osp.isfile(done):
        with open(done, encoding='utf-8') as file:
            tests = json.load(file)
    missing = [file for file in files if file not in tests]
    if not missing:
        return tests
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    train = [args.config, '--work-dir', folder, '--resume', '--seed', str(seed)]
    call_tool(osp.join(TOOLS, 'train.py'), [*train, *options], folder)
    for ann_file in missing:
        tests[ann_file] = {
            kind: test(args, path, ann_file, osp.join(folder, kind))
            for kind, path in checkpoints(folder).items()
        }
        write_atomic(done, json.dumps(tests, indent=1).encode())
    return tests


def test(
    args: argparse.Namespace, checkpoint: str, ann_file: str, folder: str
) -> Dict[str, float]:
    """Metrics of one checkpoint on one annotation file."""
    name = osp.splitext(osp.basename(ann_file))[0]
    folder = osp.join(folder, name)
    options = [*args.cfg_options]
    if args.ann_files:
        options.append(f'test_dataloader.dataset.ann_file={ann_file}')
    arguments = [args.config, checkpoint, '--work-dir', folder]
    arguments += ['--cfg-options', *options] if options else []
    call_tool(osp.join(TOOLS, 'test.py'), arguments, folder)
    return newest_metrics(folder)


def summarise(seeds: Dict[int, Tests]) -> Dict[str, dict]:
    """Per annotation file and checkpoint: mean and deviation of each metric."""
    first = next(iter(seeds.values()))
    return {
        ann_file: {
            kind: {
                key: spread([tests[ann_file][kind][key] for tests in seeds.values()])
                for key in metrics
            }
            for kind, metrics in kinds.items()
        }
        for ann_file, kinds in first.items()
    }


def table(summary: Dict[str, dict], patterns: List[str], seeds: int) -> str:
    """Markdown: one row an annotation file and checkpoint.

    Raises:
        ValueError: No metric has such a name.
    """
    keys = [key for kinds in summary.values() for key in next(iter(kinds.values()))]
    keys = [k for k in dict.fromkeys(keys) if any(fnmatch(k, p) for p in patterns)]
    if not keys:
        raise ValueError(f'--metrics {" ".join(patterns)}: there is no such metric')
    lines = [
        f'| {seeds} seed{"s" * (seeds > 1)} | epoch | ' + ' | '.join(keys) + ' |',
        '| --- | --- |' + ' ---: |' * len(keys),
    ]
    for ann_file, kinds in summary.items():
        for kind, metrics in kinds.items():
            cells = [spread_text(**metrics[key]) for key in keys]
            lines.append(f'| {ann_file} | {kind} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


@tool_main('run the same command again to go on')
def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config)
    files = args.ann_files or [cfg.test_dataloader.dataset.ann_file]
    with ThreadPoolExecutor(args.jobs) as pool:
        runs = [pool.submit(run_seed, args, seed, files) for seed in args.seeds]
        tests = {seed: run.result() for seed, run in zip(args.seeds, runs)}
    seeds = {seed: {f: found[f] for f in files} for seed, found in tests.items()}
    summary = summarise(seeds)
    text = table(summary, args.metrics, len(seeds))
    content = dict(config=args.config, summary=summary, seeds=seeds)
    path = osp.join(args.work_dir, 'seeds')
    write_atomic(f'{path}.json', json.dumps(content, indent=1).encode())
    write_atomic(f'{path}.md', text.encode())
    sys.stdout.write(text)


if __name__ == '__main__':
    main()
