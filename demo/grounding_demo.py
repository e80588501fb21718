"""Ask a video: ``python demo/grounding_demo.py VIDEO "query" CONFIG CHECKPOINT``."""

import argparse
import os.path as osp
import sys

from mmengine.config import DictAction

from mmvtg.apis import GroundingInferencer
from mmvtg.utils import register_all_modules
from mmvtg.utils.launch import load_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Find what a sentence says in a video')
    parser.add_argument('video', help='encoded video file')
    parser.add_argument('query', nargs='+', help='sentences, then CONFIG, CHECKPOINT')
    parser.add_argument('config', help='config file or model name')
    parser.add_argument('checkpoint', help='weights; "none" for random ones')
    parser.add_argument('--out', default='outputs', help='folder (%(default)s)')
    parser.add_argument('--device', help='default: an accelerator if there is one')
    parser.add_argument('--fps', type=float, help="clips a second, if not the config's")
    parser.add_argument('--top-k', type=int, default=5, help='moments to show')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override config fields'
    )
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    register_all_modules()
    weights = None if args.checkpoint == 'none' else args.checkpoint
    config = args.config
    pred_file = osp.join(args.out, 'predictions.json')
    try:
        if osp.isfile(config):
            config = load_config(config, args.cfg_options)
        inferencer = GroundingInferencer(config, weights, args.device, args.fps)
        results = inferencer(
            args.video,
            args.query,
            out_dir=args.out,
            top_k=args.top_k,
            pred_out_file=pred_file,
        )
    except (FileNotFoundError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    for prediction in results['predictions']:
        print(f'\n{prediction["query"]}  ({prediction["duration"]:.1f} s of video)')
        for start, end, score in prediction['moments'][: args.top_k]:
            print(f'  {start:7.2f} s  to {end:7.2f} s   score {score:.3f}')
    print('\npictures:', *results['visualization'], sep='\n  ')
    print(f'predictions: {pred_file}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
