"""Score a submission file against an annotation file.

Both are JSON lines, ``.gz`` allowed. Example:

    python tools/analysis_tools/evaluate_submission.py work_dirs/x/submission.jsonl \
        data/qvhighlights/highlight_val_release.jsonl --out metrics.json
"""

import argparse
import json
import sys
from typing import List

from mmvtg.datasets.annotations import read_json_lines
from mmvtg.evaluation.functional import (
    PROTOCOLS,
    evaluate_submission,
    prior_predictions,
    whole_video_predictions,
)
from mmvtg.evaluation.functional.table import format_results
from mmvtg.utils import write_atomic


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('submission', help='one line a query, best windows first')
    parser.add_argument('ground_truth', help='annotations of the same queries')
    parser.add_argument('--protocol', choices=sorted(PROTOCOLS), default='qvhighlights')
    parser.add_argument(
        '--clip-length', type=float, default=2.0, help='seconds a saliency score'
    )
    parser.add_argument('--out', help='write all numbers as JSON')
    parser.add_argument(
        '--train',
        help='training annotations: also score what can be guessed from these, and '
        'the whole video, without watching',
    )
    return parser.parse_args()


def read(path: str) -> List[dict]:
    return [item for _, item in read_json_lines(path)]


def main() -> int:
    args = parse_args()
    try:
        ground_truth = read(args.ground_truth)
        runs = {'submission': read(args.submission)}
        if args.train:
            runs['train-set prior'] = prior_predictions(
                read(args.train), ground_truth, clip_length=args.clip_length
            )
            runs['whole video'] = whole_video_predictions(
                ground_truth, args.clip_length
            )
        results = {
            name: evaluate_submission(
                run, ground_truth, args.protocol, args.clip_length
            )
            for name, run in runs.items()
        }
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    for name, result in results.items():
        print(f'== {name}: {len(ground_truth)} queries, protocol {args.protocol}')
        print(
            format_results(result) or 'nothing to evaluate: no field is in both files'
        )
    if args.out:
        shown = results if args.train else results['submission']
        write_atomic(args.out, (json.dumps(shown, indent=4) + '\n').encode())
        print(f'all numbers: {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
