"""Ask videos: ``vtg_inferencer_demo.py VIDEO ... --query "..." --model M --weights W``.

MODEL is a config file or the name of a model (``--list-models`` names them). Videos may
be of any length. Into the folder ``--out`` go a picture an answer, ``predictions.json``
and, with ``--save-video``, the video with its timeline under the frames, with
``--summary 0.15`` a film of its most salient 15 % (both without sound).
"""

import argparse
import os
import os.path as osp
import sys
from typing import Dict, List, Optional

from mmvtg.apis import VTGInferencer, download, find_model, list_models, summarise
from mmvtg.apis.inputs import pair_inputs
from mmvtg.utils import register_all_modules
from mmvtg.utils.launch import ConfigOptions
from mmvtg.utils.tool_main import tool_main
from mmvtg.visualization.text import format_time, time_decimals


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the demos of this folder share."""
    parser.add_argument('--out', default='outputs', help='folder (%(default)s)')
    parser.add_argument('--device', help='default: an accelerator if there is one')
    parser.add_argument('--fps', type=float, help="clips a second, if not the config's")
    parser.add_argument('--window', type=float, help='seconds that the model sees')
    parser.add_argument('--overlap', type=float, help='seconds that windows share')
    parser.add_argument('--batch-size', type=int, default=16, help='queries at once')
    parser.add_argument('--top-k', type=int, default=5, help='moments to show')
    parser.add_argument(
        '--save-video', action='store_true', help='also write films with the timeline'
    )
    parser.add_argument(
        '--video-fps', type=float, default=15.0, help='frames a second of the films'
    )
    parser.add_argument(
        '--summary',
        type=float,
        metavar='SHARE',
        help='also write films of the most salient parts; share of the video, 0 to 1',
    )
    parser.add_argument('--show', action='store_true', help='open windows')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, help='override config fields'
    )


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('videos', nargs='*', metavar='VIDEO', help='video files')
    parser.add_argument('-q', '--query', nargs='+', default=[], help='sentences')
    parser.add_argument('-m', '--model', help='config file or model name')
    parser.add_argument('-w', '--weights', help='checkpoint; "random" for random ones')
    parser.add_argument('--list-models', action='store_true', help='names of models')
    add_options(parser)
    args = parser.parse_args(argv)
    if not args.list_models and not (args.videos and args.query):
        parser.error('name at least one video and one --query')
    return args


def ask(args: argparse.Namespace) -> int:
    """Answer, and say where everything is; returns the exit status."""
    register_all_modules()
    pred_file = osp.join(args.out, 'predictions.json')
    pair_inputs(args.videos, args.query)  # before the model, which takes seconds
    os.makedirs(args.out, exist_ok=True)
    model, weights = args.model, args.weights
    if args.cfg_options and model:
        model, name = find_model(model, args.cfg_options)
        weights = weights or (name and download(name))
    inferencer = VTGInferencer(
        model,
        weights,
        args.device,
        args.fps,
        args.window,
        args.overlap,
        show_progress=sys.stderr.isatty(),
    )
    results = inferencer(
        args.videos,
        args.query,
        batch_size=args.batch_size,
        out_dir=args.out,
        top_k=args.top_k,
        save_video=args.save_video,
        video_fps=args.video_fps,
        show=args.show,
        pred_out_file=pred_file,
    )
    films = write_summaries(results['predictions'], args.out, args.summary)
    for prediction in results['predictions']:
        report(prediction, args.top_k)
    print('\nwritten:', *results['visualization'], *films, pred_file, sep='\n  ')
    return report_failed(results['failed'])


def report_failed(failed: Dict[str, str]) -> int:
    """Print why videos were skipped; returns the exit status."""
    for reason in failed.values():
        print(f'error: {reason}', file=sys.stderr)
    return int(bool(failed))


def write_summaries(
    predictions: List[dict], folder: str, share: Optional[float]
) -> List[str]:
    """One film an answer, unless no share is given; returns their paths."""
    films = []
    for number, prediction in enumerate(predictions if share is not None else ()):
        stem = osp.splitext(osp.basename(prediction['video']))[0]
        films.append(osp.join(folder, f'{stem}_{number}_summary.mp4'))
        summarise(prediction, films[-1], share)
    return films


def report(prediction: dict, top_k: int) -> None:
    duration = prediction['duration']
    decimals = time_decimals(duration)

    def clock(seconds: float) -> str:
        return format_time(seconds, duration, decimals)

    print(f'\n{prediction["video"]} ({clock(duration)}): {prediction["query"]}')
    for start, end, score in prediction['moments'][:top_k]:
        print(f'  {clock(start):>10}  to {clock(end):>10}   score {score:.3f}')
    if not prediction['moments']:
        saliency = prediction['saliency']
        best = saliency.index(max(saliency)) / prediction['fps']
        print(f'  no moments; most salient at {clock(best)}')


@tool_main('run the same command again to go on', also=(ValueError,))
def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    if args.list_models:
        print('\n'.join(list_models()))
        return 0
    return ask(args)


if __name__ == '__main__':
    sys.exit(main())
