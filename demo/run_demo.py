"""The whole way on one machine: videos, features, training, test, pictures.

    make demo            (or: python demo/run_demo.py --out outputs)

Renders the MovingShapes world, stores the features of the tiny CLIP that comes with
mmvtg, trains R2-Tuning and the same heads without the R2 block, tests both, and
compares them with what can be guessed without watching. A second call takes what is
there.
"""

import argparse
import json
import os
import os.path as osp
import shlex
import subprocess
import sys
import time
from typing import Dict, List

from mmvtg.utils.tool_main import tool_main

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))
# an installed package is no place for data
HOME = os.getcwd() if '.mim' in ROOT else ROOT
CONFIGS = {
    'R2-Tuning': 'configs/r2_tuning/r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes.py',
    'without the R2 block': (
        'configs/r2_tuning/no-tuning_tiny-clip_1xb32-10e_moving-shapes.py'
    ),
}
#: What the table shows: name -> key of the metric.
COLUMNS = {
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mAP@0.5': 'MR-full-mAP@0.5',
    'mAP': 'MR-full-mAP',
    'HD mAP': 'HL-min-VeryGood-mAP',
    'HIT@1': 'HL-min-VeryGood-Hit1',
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--size', default='demo', help='tiny, demo or full')
    parser.add_argument('--data', default=osp.join(HOME, 'data'), help='data folder')
    parser.add_argument('--out', default=osp.join(HOME, 'outputs'))
    parser.add_argument('--epochs', type=int, help='train shorter or longer')
    return parser.parse_args()


def run(
    title: str, command: List[str], args: argparse.Namespace, **variables: str
) -> None:
    """Show a command and run it; its own progress goes to the terminal."""
    shown = shlex.join(osp.relpath(p) if osp.isabs(p) else p for p in command)
    print(f'\n==> {title}\n    $ python {shown}', flush=True)
    environment = {
        # threads that wait must not keep a core from the decoder or another program
        'OMP_WAIT_POLICY': 'PASSIVE',
        **variables,
        **os.environ,
        'MMVTG_DATA': args.data,
        'MOVING_SHAPES': args.size,
        'PYTHONPATH': os.pathsep.join([ROOT, os.environ.get('PYTHONPATH', '')]),
    }
    subprocess.run([sys.executable, *command], check=True, cwd=ROOT, env=environment)


def train_and_test(name: str, config: str, work_dir: str, args) -> Dict[str, float]:
    """Train if that was not done, test, and return the metrics."""
    checkpoint = osp.join(work_dir, 'last_checkpoint')
    options = []
    if args.epochs:
        options = [
            '--cfg-options',
            f'train_cfg.max_epochs={args.epochs}',
            f'param_scheduler.1.T_max={args.epochs}',
            f'param_scheduler.1.end={args.epochs}',
        ]
    train = ['tools/train.py', config, '--work-dir', work_dir, '--resume', *options]
    # steps this small take twice as long when two threads share them
    run(f'training: {name}', train, args, OMP_NUM_THREADS='1')
    with open(checkpoint) as file:
        weights = file.read().strip()
    pictures = ['--show-dir', osp.join(args.out, 'timelines')]
    if name != next(iter(CONFIGS)):
        pictures = []
    test = ['tools/test.py', config, weights, '--work-dir', work_dir, *pictures]
    run(f'test: {name}', test, args)
    return read_metrics(osp.join(work_dir, 'submission.jsonl'), args)


def read_lines(path: str) -> List[dict]:
    with open(path) as file:
        return [json.loads(line) for line in file]


def annotations(split: str, args: argparse.Namespace) -> List[dict]:
    folder = osp.join(args.data, 'moving_shapes', args.size, 'qvhighlights')
    return read_lines(osp.join(folder, f'{split}.jsonl'))


def score(submission: List[dict], args: argparse.Namespace) -> Dict[str, float]:
    from mmvtg.evaluation.functional import evaluate_submission

    return evaluate_submission(submission, annotations('test', args))['brief']


def read_metrics(path: str, args: argparse.Namespace) -> Dict[str, float]:
    return score(read_lines(path), args)


def blind_baselines(args: argparse.Namespace) -> Dict[str, Dict[str, float]]:
    """What can be said without watching."""
    from mmvtg.evaluation.functional import prior_predictions, whole_video_predictions

    test, train = annotations('test', args), annotations('train', args)
    return {
        'prior of the training set': score(prior_predictions(train, test), args),
        'whole video': score(whole_video_predictions(test), args),
    }


def table(rows: Dict[str, Dict[str, float]]) -> str:
    header = ' | '.join(f'{column:>5}' for column in COLUMNS)
    lines = [f'| {"on the test split":<28}| {header} |']
    lines.append('| --- |' + ' ---: |' * len(COLUMNS))
    for name, metrics in rows.items():
        cells = (f'{metrics[key]:>{max(len(c), 5)}.2f}' for c, key in COLUMNS.items())
        lines.append(f'| {name:<28}| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


@tool_main('run the same command again to go on')
def main() -> None:
    args = parse_args()
    args.data = osp.abspath(args.data)
    run_name = args.size + (f'_{args.epochs}e' if args.epochs else '')
    args.out = osp.join(osp.abspath(args.out), run_name)
    os.makedirs(args.out, exist_ok=True)
    started = time.time()
    world = osp.join(args.data, 'moving_shapes', args.size)
    make = ['tools/dataset_converters/moving_shapes.py', '--out', world]
    run('rendering videos', [*make, '--size', args.size], args)
    first = next(iter(CONFIGS.values()))
    run('storing features', ['tools/extract_features.py', first], args)
    rows = {}
    for name, config in CONFIGS.items():
        work_dir = osp.join(args.out, osp.splitext(osp.basename(config))[0])
        rows[name] = train_and_test(name, config, work_dir, args)
    rows.update(blind_baselines(args))
    minutes = (time.time() - started) / 60
    with open(osp.join(args.out, 'results.md'), 'w') as file:
        file.write(table(rows) + '\n')
    with open(osp.join(args.out, 'results.json'), 'w') as file:
        json.dump(rows, file, indent=1)
    here = osp.relpath(args.out)
    r2 = osp.splitext(osp.basename(first))[0]
    print(f'\n==> done in {minutes:.1f} minutes\n\n{table(rows)}\n')
    print(f'pictures     {here}/timelines/index.html')
    print(f'predictions  {here}/{r2}/submission.jsonl  (QVHighlights format)')
    print(f'metrics      {here}/results.json')
    print(f'logs         {here}/{r2}/')


if __name__ == '__main__':
    main()
