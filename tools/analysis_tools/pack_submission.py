"""Check predictions against the split's annotations and pack them for a host.

    python tools/analysis_tools/pack_submission.py --out submission.zip \
        --val work_dirs/x/val.jsonl data/qvhighlights/highlight_val_release.jsonl \
        --test work_dirs/x/test.jsonl data/qvhighlights/highlight_test_release.jsonl

    python tools/analysis_tools/pack_submission.py --out submission.json \
        --ego4d work_dirs/x/submission.jsonl data/ego4d_nlq/test.jsonl

Labels are not needed. Problems are listed; if a host would refuse the file for one of
them, nothing is written. Without ``--out`` the check is all that happens.
"""

import argparse
import json
import sys
from typing import List, Sequence, Tuple

from mmvtg.datasets.annotations import read_json_lines
from mmvtg.evaluation.functional import find_problems, pack_submission, to_ego4d
from mmvtg.evaluation.functional.schema import MEMBERS, Problem
from mmvtg.utils import write_atomic
from mmvtg.utils.tool_main import tool_main

_SHOWN = 20


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for split in MEMBERS:
        parser.add_argument(f'--{split}', nargs=2, metavar=('PRED', 'ANNOTATIONS'))
    parser.add_argument(
        '--ego4d',
        nargs=2,
        metavar=('PRED', 'ANNOTATIONS'),
        help="the challenge's JSON, without saliency, instead of a zip",
    )
    parser.add_argument('--out', help='file to write')
    parser.add_argument(
        '--clip-length', type=float, default=2.0, help='seconds a saliency score'
    )
    parser.add_argument(
        '--moments-only', action='store_true', help='saliency scores may be missing'
    )
    args = parser.parse_args()
    if bool(args.ego4d) == any(getattr(args, split) for split in MEMBERS):
        parser.error('give --val or --test or both, or else --ego4d')
    return args


def read(paths: Sequence[str]) -> List[List[dict]]:
    names = ('predictions file', 'annotation file')
    return [
        [item for _, item in read_json_lines(path, name)]
        for path, name in zip(paths, names)
    ]


def report(problems: List[Tuple[str, Problem]]) -> int:
    """Print the problems, errors first; how many are errors."""
    problems = sorted(problems, key=lambda item: not item[1].fatal)
    for split, problem in problems[:_SHOWN]:
        kind = 'error' if problem.fatal else 'remark'
        print(f'{kind}: {split}: {problem.text}', file=sys.stderr)
    if len(problems) > _SHOWN:
        print(f'... {len(problems) - _SHOWN} more', file=sys.stderr)
    return sum(problem.fatal for _, problem in problems)


@tool_main(also=(ValueError,))
def main() -> int:
    args = parse_args()
    files = {
        split: read(getattr(args, split))
        for split in (*MEMBERS, 'ego4d')
        if getattr(args, split)
    }
    need_saliency = not (args.moments_only or args.ego4d)
    problems = [
        (split, problem)
        for split, (predictions, annotations) in files.items()
        for problem in find_problems(
            predictions, annotations, args.clip_length, need_saliency
        )
    ]
    errors = report(problems)
    if errors:
        print(f'{errors} errors, nothing written', file=sys.stderr)
        return 1
    if args.ego4d:
        packed = json.dumps(to_ego4d(*files['ego4d'])).encode()
    else:
        packed = pack_submission({split: file[0] for split, file in files.items()})
    if args.out:
        write_atomic(args.out, packed)
    counts = ', '.join(
        f'{split} {len(file[0])} queries' for split, file in files.items()
    )
    print(f'{counts}: no errors, {len(problems)} remarks')
    if args.out:
        print(f'written: {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
