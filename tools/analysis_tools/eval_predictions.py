"""Score predictions against annotations: the official JSON and a table.

Both files are JSON lines, ``.gz`` allowed. Predictions may also be what goes to a
benchmark's host: Ego4D's JSON, or QVHighlights' zip, of which the file is scored whose
queries are those of the annotations, be it validation or test. Examples:

    python tools/analysis_tools/eval_predictions.py work_dirs/x/submission.jsonl \
        data/qvhighlights/highlight_val_release.jsonl --out metrics.json
    python tools/analysis_tools/eval_predictions.py submission.zip \
        data/qvhighlights/highlight_test_with_gt.jsonl
    python tools/analysis_tools/eval_predictions.py pred.jsonl charades_test.jsonl \
        --protocol recall --recall-at 1 5 --iou 0.5 0.7 --strict

``--protocol youtube``, ``tvsum`` and ``summary`` score saliency scores against files
with ``label``, ``match`` or ``user_summary``. ``detection`` and ``proposals`` read
ActivityNet's JSON files:

    python tools/analysis_tools/eval_predictions.py detections.json thumos14.json \
        --protocol detection --iou thumos14 --subset test
"""

import argparse
import io
import json
import sys
import warnings
import zipfile
from typing import Any, Dict, List

import numpy as np

from mmvtg.datasets.annotations import read_json_lines
from mmvtg.evaluation.functional import (
    DETECTION_THRESHOLDS,
    PROTOCOLS,
    VIDEO_PROTOCOLS,
    evaluate_detections,
    evaluate_proposals,
    evaluate_submission,
    evaluate_video_highlights,
    from_ego4d,
    prior_predictions,
    read_annotated_segments,
    read_detected_segments,
    whole_video_predictions,
)
from mmvtg.evaluation.functional.table import format_results
from mmvtg.utils import write_atomic
from mmvtg.utils.tool_main import tool_main

ACTION_PROTOCOLS = ('detection', 'proposals')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('predictions', help='one line a query, best windows first')
    parser.add_argument('ground_truth', help='annotations of the same queries')
    parser.add_argument(
        '--protocol',
        choices=[*sorted(PROTOCOLS), *sorted(VIDEO_PROTOCOLS), *ACTION_PROTOCOLS],
        default='qvhighlights',
    )
    parser.add_argument(
        '--clip-length', type=float, default=2.0, help='seconds a saliency score'
    )
    parser.add_argument(
        '--iou',
        nargs='+',
        help=f'IoU thresholds; for detection also one of {list(DETECTION_THRESHOLDS)}',
    )
    parser.add_argument('--recall-at', type=int, nargs='+', help='the n of R@n')
    parser.add_argument(
        '--strict',
        action='store_true',
        help='an IoU of exactly the threshold is a miss, as Ego4D has it',
    )
    parser.add_argument(
        '--subset', default='validation', help="of ActivityNet's ground truth"
    )
    parser.add_argument(
        '--print', choices=['both', 'table', 'json'], default='both', dest='shown'
    )
    parser.add_argument('--out', help='write all numbers as JSON')
    parser.add_argument(
        '--train',
        help='training annotations: also score what can be guessed from these, and '
        'the whole video, without watching',
    )
    args = parser.parse_args()
    if (
        args.protocol == 'detection'
        and args.iou
        and args.iou[0] in DETECTION_THRESHOLDS
    ):
        args.iou = DETECTION_THRESHOLDS[args.iou[0]]
    elif args.iou:
        try:
            args.iou = [float(value) for value in args.iou]
        except ValueError as error:
            parser.error(f'--iou: {error}')
    return args


def read(path: str, name: str = 'ground truth file') -> List[dict]:
    return [item for _, item in read_json_lines(path, name)]


def read_predictions(path: str, ground_truth: List[dict]) -> List[dict]:
    """Of JSON lines, of the fitting member of a zip, or of Ego4D's JSON."""
    if not zipfile.is_zipfile(path):
        entries = read(path, 'predictions file')
        if len(entries) == 1 and 'challenge' in entries[0]:
            return from_ego4d(entries[0])
        return entries
    wanted, seen = {item.get('qid') for item in ground_truth}, []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with io.TextIOWrapper(archive.open(name), 'utf-8') as file:
                try:
                    entries = [json.loads(line) for line in file if line.strip()]
                except (ValueError, zipfile.BadZipFile) as error:
                    raise ValueError(f'{path}, {name}: {error}') from error
            if not all(isinstance(entry, dict) for entry in entries):
                raise ValueError(f'{path}, {name}: a line is not a JSON object')
            if {entry.get('qid') for entry in entries} == wanted:
                return entries
            seen.append(f'{name} ({len(entries)})')
    raise ValueError(
        f'{path}: no file in it has the {len(wanted)} queries of the ground truth; it '
        f'has {", ".join(seen) or "no files"}'
    )


def evaluate_actions(args: argparse.Namespace) -> Dict[str, Any]:
    """ActivityNet's files; arrays are left to programs."""
    contents = []
    for path in (args.predictions, args.ground_truth):
        with open(path, encoding='utf-8') as file:
            try:
                contents.append(json.load(file))
            except ValueError as error:
                raise ValueError(f'{path}: not valid JSON ({error})') from error
    score = evaluate_detections
    if args.protocol == 'proposals':
        score = evaluate_proposals
    results = score(
        read_annotated_segments(contents[1], args.subset),
        read_detected_segments(contents[0]),
        **({} if args.iou is None else dict(thresholds=args.iou)),
    )
    shown = {
        key: value
        for key, value in results.items()
        if not isinstance(value, np.ndarray)
    }
    if 'AP' in results:
        names = map(str, results['classes'])
        shown['classes'] = dict(zip(names, results['AP'].mean(axis=0).tolist()))
    return shown


def evaluate(args: argparse.Namespace) -> Dict[str, dict]:
    """Results by the name of who predicted."""
    if args.protocol in ACTION_PROTOCOLS:
        return {'predictions': evaluate_actions(args)}
    ground_truth = read(args.ground_truth)
    runs = {'predictions': read_predictions(args.predictions, ground_truth)}
    if args.protocol in VIDEO_PROTOCOLS:
        score, protocol, options = evaluate_video_highlights, args.protocol, {}
    else:
        changes: Dict[str, Any] = dict(name=args.protocol)
        if args.iou:
            changes['recall_thresholds'] = tuple(args.iou)
        if args.recall_at:
            changes['recall_at'] = tuple(args.recall_at)
        if args.strict:
            changes['strict'] = True
        score, protocol = evaluate_submission, changes
        options = dict(clip_length=args.clip_length)
    if args.train:
        runs['train-set prior'] = prior_predictions(
            read(args.train), ground_truth, clip_length=args.clip_length
        )
        runs['whole video'] = whole_video_predictions(ground_truth, args.clip_length)
    return {
        name: score(run, ground_truth, protocol, **options)
        for name, run in runs.items()
    }


@tool_main(also=(ValueError,))
def main() -> int:
    args = parse_args()
    warnings.showwarning = lambda text, *_: print(f'note: {text}', file=sys.stderr)
    results = evaluate(args)
    text = json.dumps(results if args.train else results['predictions'], indent=4)
    if args.shown != 'json':
        for name, result in results.items():
            print(f'== {name}, protocol {args.protocol}')
            print(
                format_results(result)
                or 'nothing to evaluate: no field is in both files'
            )
    if args.shown != 'table':
        print(text)
    if args.out:
        write_atomic(args.out, (text + '\n').encode())
        # the numbers alone on stdout, for programs that read them
        print(f'all numbers: {args.out}', file=sys.stderr)
    return 0


if __name__ == '__main__':
    sys.exit(main())
