"""Train a model: ``python tools/train.py configs/r2_tuning/....py``."""

import argparse
import os

from mmengine.runner import Runner

from mmvtg.engine.work_dir_lock import work_dir_lock
from mmvtg.registry import RUNNERS
from mmvtg.utils.launch import (
    adapt_to_device,
    add_launch_arguments,
    check_amp,
    load_config,
    require_fields,
    set_work_dir,
)
from mmvtg.utils.tool_main import tool_main


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder for logs and checkpoints')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from the newest checkpoint of the work dir, or from the one named',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision (GPU)')
    parser.add_argument(
        '--no-validate', action='store_true', help='do not validate while training'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by batch size / auto_scale_lr.base_batch_size',
    )
    parser.add_argument('--seed', type=int, help='random seed')
    parser.add_argument(
        '--diff-rank-seed', action='store_true', help='another seed for each rank'
    )
    parser.add_argument(
        '--deterministic', action='store_true', help='deterministic CUDA kernels'
    )
    add_launch_arguments(parser)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def merge_args(cfg, args: argparse.Namespace) -> None:
    """Write the command line's wishes into the config."""
    set_work_dir(cfg, args.work_dir, args.config)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        check_amp(cfg)
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise ValueError(
                '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the '
                'config: the total batch size that its learning rate was chosen for'
            )
        cfg.auto_scale_lr.enable = True
    randomness = dict(cfg.get('randomness', {}))
    given = dict(
        seed=args.seed,
        diff_rank_seed=args.diff_rank_seed or None,
        deterministic=args.deterministic or None,
    )
    randomness.update({key: value for key, value in given.items() if value is not None})
    cfg.randomness = randomness


def train(cfg) -> None:
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    runner.train()


@tool_main('go on with --resume')
def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    require_fields(cfg, args.config, 'model', 'train_dataloader')
    merge_args(cfg, args)
    adapt_to_device(cfg, args.launcher)
    with work_dir_lock(cfg.work_dir, args.launcher):
        train(cfg)


if __name__ == '__main__':
    main()
