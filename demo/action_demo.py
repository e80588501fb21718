"""Find, recognise or retrieve: ``action_demo.py VIDEO ... --classes "..." --model M``.

What is done depends on the model (a config file or a name, ``--list-models``):

- a detector (STALE, B-I, B-II) says when each of the classes happens;
- one that names segments (efficient-prompt-localisation) does, too, and needs another
  one that proposes them: ``--proposer MODEL [WEIGHTS]``;
- a recogniser (efficient-prompt, hand-written, linear-probe) says which of the classes
  each video shows, or ``--segment START END`` of it;
- a retriever (efficient-prompt-retrieval) ranks the videos for each ``--query``.

Into the folder ``--out`` go ``predictions.json`` and, of a detector, pictures.
"""

import argparse
import os
import os.path as osp
import sys
from typing import Any, Dict, List, Optional, Union

from mmengine.config import Config

from mmvtg.apis import (
    ActionDetectionInferencer,
    ActionRecognitionInferencer,
    VideoRetrievalInferencer,
    download,
    find_model,
    list_models,
)
from mmvtg.apis.inputs import check_videos
from mmvtg.apis.metafiles import is_published
from mmvtg.apis.tasks import inferencer_for
from mmvtg.utils import register_all_modules
from mmvtg.utils.launch import ConfigOptions
from mmvtg.utils.tool_main import tool_main


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('videos', nargs='*', metavar='VIDEO', help='video files')
    parser.add_argument('-c', '--classes', nargs='+', help="default: the config's")
    parser.add_argument('-q', '--query', nargs='+', help='sentences, of a retriever')
    parser.add_argument('-m', '--model', help='config file or model name')
    parser.add_argument('-w', '--weights', help='checkpoint; "random" for random ones')
    parser.add_argument('--list-models', action='store_true', help='names of models')
    parser.add_argument('--out', default='outputs', help='folder (%(default)s)')
    parser.add_argument('--device', help='default: an accelerator if there is one')
    parser.add_argument(
        '--fps', type=float, help="frames a second, if not the config's"
    )
    parser.add_argument('--top-k', type=int, default=5, help='answers to show')
    parser.add_argument(
        '--window', type=float, help='of a detector: cut longer videos, seconds'
    )
    parser.add_argument(
        '--proposer',
        nargs='+',
        metavar=('MODEL', 'WEIGHTS'),
        help='who proposes segments; without weights those of the model zoo',
    )
    parser.add_argument(
        '--segment', nargs=2, type=float, metavar=('START', 'END'), help='seconds'
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, help='override config fields'
    )
    args = parser.parse_args(argv)
    if not args.list_models and not (args.videos and args.model):
        parser.error('name at least one video and --model')
    if len(args.proposer or ()) > 2:
        parser.error('--proposer takes a model, and at most one checkpoint')
    return args


def ask(args: argparse.Namespace) -> int:
    """Answer, and say where everything is; returns the exit status."""
    register_all_modules()
    args.failed = False
    pred_file = osp.join(args.out, 'predictions.json')
    check_videos(args.videos)  # before the model, which takes seconds
    os.makedirs(args.out, exist_ok=True)
    model: Union[str, Config] = args.model
    if args.cfg_options:
        model, name = find_model(args.model, args.cfg_options)
        if name and not args.weights and is_published(name):
            args.weights = download(name)
    config = find_model(model)[0] if isinstance(model, str) else model
    kind = inferencer_for(config)
    if kind == 'ActionDetectionInferencer':
        written = detect(args, model, pred_file)
    elif kind == 'ActionRecognitionInferencer':
        written = recognise(args, model, pred_file)
    elif kind == 'VideoRetrievalInferencer':
        written = retrieve(args, model, pred_file)
    else:
        raise ValueError(
            f'{args.model} is a model for {kind or "another task"}: '
            'demo/vtg_inferencer_demo.py asks models that find moments'
        )
    print('\nwritten:', *written, pred_file, sep='\n  ')
    return int(args.failed)


def report_failed(args: argparse.Namespace, failed: Dict[str, str]) -> None:
    """Print why videos were skipped; the exit status is 1 then."""
    for reason in failed.values():
        print(f'error: {reason}', file=sys.stderr)
    args.failed = bool(failed)


def detect(args: argparse.Namespace, model: Any, pred_file: str) -> List[str]:
    """Segments of each video; returns the pictures."""
    proposer = None
    if args.proposer is not None:
        name, weights = (*args.proposer, None)[:2]
        proposer = ActionDetectionInferencer(
            name, weights, args.device, args.fps, args.window
        )
    inferencer = ActionDetectionInferencer(
        model,
        args.weights,
        args.device,
        args.fps,
        args.window,
        proposer,
        show_progress=sys.stderr.isatty(),
    )
    results = inferencer(
        args.videos,
        args.classes,
        out_dir=args.out,
        top_k=args.top_k,
        pred_out_file=pred_file,
    )
    for prediction in results['predictions']:
        print(f'\n{prediction["video"]} ({prediction["duration"]:.1f} s)')
        for start, end, score, name in prediction['instances'][: args.top_k]:
            print(f'  {start:8.1f} to {end:8.1f} s   score {score:.3f}   {name}')
        if not prediction['instances']:
            print('  nothing')
    report_failed(args, results['failed'])
    return results['visualization']


def recognise(args: argparse.Namespace, model: Any, pred_file: str) -> List[str]:
    """Classes of each video; draws nothing."""
    inferencer = ActionRecognitionInferencer(
        model, args.weights, args.device, args.fps, show_progress=sys.stderr.isatty()
    )
    segment = args.segment and tuple(args.segment)
    results = inferencer(args.videos, args.classes, segment, pred_out_file=pred_file)
    for prediction in results['predictions']:
        print(f'\n{prediction["video"]}')
        show(prediction['classes'], args.top_k)
    report_failed(args, results['failed'])
    return []


def retrieve(args: argparse.Namespace, model: Any, pred_file: str) -> List[str]:
    """Videos of each query; draws nothing."""
    if not args.query:
        raise ValueError('a retriever wants at least one --query')
    inferencer = VideoRetrievalInferencer(
        model, args.weights, args.device, args.fps, show_progress=sys.stderr.isatty()
    )
    results = inferencer(args.videos, args.query, pred_out_file=pred_file)
    for prediction in results['predictions']:
        print(f'\n{prediction["query"]}')
        show(prediction['videos'], args.top_k)
    report_failed(args, results['failed'])
    return []


def show(ranking: List[list], top_k: int) -> None:
    for score, item in ranking[:top_k]:
        print(f'  {score:.3f}  {item}')


@tool_main('run the same command again to go on', also=(ValueError,))
def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    if args.list_models:
        print('\n'.join(list_models()))
        return 0
    return ask(args)


if __name__ == '__main__':
    sys.exit(main())
