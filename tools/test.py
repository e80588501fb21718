"""Test a model: ``python tools/test.py CONFIG CHECKPOINT``.

A model without learned parameters needs no checkpoint. With ``random`` as checkpoint,
random weights are scored.
"""

import argparse
import os
import os.path as osp

from mmengine.config import Config
from mmengine.runner import Runner

from mmvtg.registry import RUNNERS
from mmvtg.utils.launch import (
    adapt_to_device,
    add_launch_arguments,
    load_config,
    refuse_random_weights,
    require_fields,
    set_work_dir,
)
from mmvtg.utils.tool_main import tool_main


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a model')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='checkpoint file, or "random"; omit if the model learns nothing',
    )
    parser.add_argument('--work-dir', help='folder for logs and metrics')
    parser.add_argument(
        '--dump', metavar='X.pkl', help='write the predictions to a pickle file'
    )
    parser.add_argument(
        '--show-dir', help='draw timelines of test samples into this folder'
    )
    parser.add_argument(
        '--num-pictures', type=int, default=20, help='how many of them (%(default)s)'
    )
    add_launch_arguments(parser)
    args = parser.parse_args()
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error('--dump wants a .pkl file')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def dump_predictions(cfg: Config, path: str) -> None:
    """Add mmengine's metric that writes every prediction."""
    evaluators = cfg.test_evaluator
    if not isinstance(evaluators, (list, tuple)):
        evaluators = [evaluators]
    cfg.test_evaluator = [
        *evaluators,
        dict(type='mmengine.DumpResults', out_file_path=path),
    ]


@tool_main()
def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    require_fields(cfg, args.config, 'model', 'test_dataloader')
    set_work_dir(cfg, args.work_dir, args.config)
    checkpoint = args.checkpoint or (args.cfg_options or {}).get('load_from')
    cfg.load_from = None if checkpoint == 'random' else checkpoint
    if args.dump:
        dump_predictions(cfg, args.dump)
    if args.show_dir:
        timeline = cfg.default_hooks.setdefault('timeline', dict(type='TimelineHook'))
        timeline.update(
            enable=True,
            out_dir=osp.abspath(args.show_dir),
            num_pictures=args.num_pictures,
        )
    adapt_to_device(cfg, args.launcher)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    if checkpoint is None:
        refuse_random_weights(runner.model, args.config)
    runner.test()


if __name__ == '__main__':
    main()
