"""Train and test a recognition config once for each trial of a few-shot protocol.

    python tools/few_shot.py CONFIG --trials 200

Of each data set in the config, `few_shot.trial` becomes the number of the trial, and
`{trial}` in `ann_file` is replaced by it (published lists). Each trial starts from the
same weights. Results go to WORK_DIR/few_shot.json after each trial, and a stopped run
goes on there: mean, standard deviation, and the half width of the 95 % confidence
interval of the mean, over trials.
"""

import argparse
import copy
import json
import os.path as osp
import sys
from typing import Dict, List

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner

from mmvtg.registry import register_all_modules
from mmvtg.utils import write_atomic
from mmvtg.utils.launch import ConfigOptions, adapt_to_device, load_config, set_work_dir
from mmvtg.utils.tool_main import tool_main

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def config_of_trial(cfg: Config, trial: int) -> Config:
    """The config with its data sets set to one trial, and without validation."""
    cfg = copy.deepcopy(cfg)
    for loader in LOADERS:
        if cfg.get(loader) is None:
            continue
        dataset = cfg[loader].dataset
        dataset.ann_file = dataset.ann_file.replace('{trial}', str(trial))
        if dataset.get('few_shot') is not None:
            dataset.few_shot.trial = trial
    # the trial's test set is no validation set: the last epoch is what counts
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', interval=10**6)
    cfg.work_dir = osp.join(cfg.work_dir, f'trial_{trial}')
    cfg.experiment_name = f'{cfg.get("experiment_name", "few_shot")}-{trial}'
    return cfg


def run_trial(cfg: Config, trial: int) -> Dict[str, float]:
    """Train, if there is anything to train, and test."""
    runner = Runner.from_cfg(config_of_trial(cfg, trial))
    if any(p.requires_grad for p in runner.model.parameters()):
        runner.train()
    return {key: float(value) for key, value in runner.test().items()}


def summarise(results: List[Dict[str, float]]) -> Dict[str, Dict[str, float]]:
    """Of each metric, over trials: mean, std, and half of the 95 % interval."""
    summary = {}
    for key in results[0]:
        values = np.array([result[key] for result in results])
        std = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        summary[key] = dict(
            mean=float(values.mean()), std=std, ci95=1.96 * std / len(values) ** 0.5
        )
    return summary


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('--trials', type=int, help="default: the config's num_trials")
    parser.add_argument('--work-dir', help='default: work_dirs/CONFIG')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser.parse_args()


@tool_main('run the same command again to go on')
def main() -> int:
    args = parse_args()
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    set_work_dir(cfg, args.work_dir, args.config)
    adapt_to_device(cfg, 'none')
    total = args.trials or cfg.get('num_trials')
    if not total or total < 1:
        raise SystemExit(f'{args.config} has no num_trials: say --trials')
    path = osp.join(cfg.work_dir, 'few_shot.json')
    results: List[Dict[str, float]] = []
    if osp.isfile(path):
        with open(path, encoding='utf-8') as file:
            results = json.load(file)['trials'][:total]
    for trial in range(len(results), total):
        results.append(run_trial(cfg, trial))
        content = dict(summary=summarise(results), trials=results)
        write_atomic(path, json.dumps(content, indent=1).encode())
    for key, value in summarise(results).items():
        print(f'{key}: {value["mean"]:.4f} +- {value["ci95"]:.4f}, {total} trials')
    return 0


if __name__ == '__main__':
    sys.exit(main())
