"""What frames, and their order, tell of actions before any model is trained on them.

    python tools/analysis_tools/probe_time.py CONFIG --merge slide_left slide_right

CONFIG is one of recognition on stored features. One draw of each video is summed up in
several ways, and a linear map is fitted to the classes by ridge regression: with the
training set, its strength chosen on the validation set. Top-1 of the test set is
printed, and that of classes after `--merge` (pairs that are counted as one).

The mean of the frames is what a model without temporal layers sees. What lies in their
spread and in their change needs one that looks along time.
"""

import argparse
import sys
from typing import Dict, List, Tuple

import numpy as np
from mmengine.config import Config

from mmvtg.registry import DATASETS, register_all_modules
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
Split = Tuple[np.ndarray, np.ndarray]


def read_split(cfg: Config, split: str) -> Tuple[Split, List[str]]:
    """Frames (N, T, C) of unit length and labels (N,) of a split; class names."""
    settings = dict((cfg[f'{split}_dataloader'] or cfg.test_dataloader).dataset)
    dataset = DATASETS.build(dict(settings, test_mode=True))
    items = [dataset[index] for index in range(len(dataset))]
    frames = np.stack([item['inputs']['video'][0].numpy() for item in items])
    frames = frames / np.linalg.norm(frames, axis=-1, keepdims=True)
    labels = np.array([int(item['data_samples'].gt_label) for item in items])
    return (frames, labels), list(dataset.metainfo['classes'])


def summaries(frames: np.ndarray) -> Dict[str, np.ndarray]:
    """Frames (N, T, C) in numbers (N, *) that know more and more of their order."""
    mean, spread = frames.mean(1), frames.std(1)
    steps = np.abs(np.diff(frames, axis=1)).mean(1)
    quarter = max(frames.shape[1] // 4, 1)
    trend = frames[:, -quarter:].mean(1) - frames[:, :quarter].mean(1)
    return {
        'mean': mean,
        'spread': spread,
        'steps from frame to frame': steps,
        'last quarter less the first': trend,
        'all of these': np.concatenate([mean, spread, steps, trend], axis=1),
    }


def ridge_scores(
    inputs: np.ndarray, labels: np.ndarray, others: List[np.ndarray], strength: float
) -> List[np.ndarray]:
    """Scores (M, K) of ``others`` by a ridge regression on (N, D) and labels (N,).

    ``strength`` is the penalty over the number of samples, of standardised inputs.
    """
    mean, scale = inputs.mean(0), inputs.std(0) + 1e-6
    x = np.concatenate([(inputs - mean) / scale, np.ones((len(inputs), 1))], axis=1)
    targets = np.eye(labels.max() + 1)[labels]
    penalty = strength * len(x) * np.eye(x.shape[1])
    penalty[-1, -1] = 0  # the constant is free
    weights = np.linalg.solve(x.T @ x + penalty, x.T @ targets)
    return [((other - mean) / scale) @ weights[:-1] + weights[-1] for other in others]


def accuracy(scores: np.ndarray, labels: np.ndarray, group: np.ndarray) -> float:
    """Share of samples whose best class is of the right group."""
    return float((group[scores.argmax(1)] == group[labels]).mean())


def groups(names: List[str], pairs: List[List[str]]) -> np.ndarray:
    """(K,) number of the group that each class belongs to."""
    number = np.arange(len(names))
    for pair in pairs:
        first, second = (names.index(name.replace('_', ' ')) for name in pair)
        number[number == second] = first
    return number


@tool_main()
def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument(
        '--merge', nargs=2, action='append', default=[], metavar=('A', 'B')
    )
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    args = parser.parse_args()
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    data, names = {}, []
    for split in ('train', 'val', 'test'):
        data[split], names = read_split(cfg, split)
    merged = groups(names, args.merge)
    alone = np.arange(len(names))
    labels = {split: rows[1] for split, rows in data.items()}
    kinds = {split: summaries(rows[0]) for split, rows in data.items()}
    print(f'{"top-1 of the test set":<30}{"classes":>9}{"merged":>9}')
    often = np.bincount(labels['train']).argmax()
    guess = np.eye(len(names))[np.full(len(labels['test']), often)]
    rows = {'the most frequent class': guess}
    for kind, inputs in kinds['train'].items():
        others = [kinds['val'][kind], kinds['test'][kind]]
        found = [ridge_scores(inputs, labels['train'], others, s) for s in STRENGTHS]
        best = max(found, key=lambda pair: accuracy(pair[0], labels['val'], alone))
        rows[kind] = best[1]
    for kind, scores in rows.items():
        values = [accuracy(scores, labels['test'], group) for group in (alone, merged)]
        print(f'{kind:<30}{values[0]:>9.1%}{values[1]:>9.1%}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
