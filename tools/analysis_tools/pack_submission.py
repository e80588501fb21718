"""Check predictions against the split's annotations and zip them for a host.

    python tools/analysis_tools/pack_submission.py --out submission.zip \
        --val work_dirs/x/val.jsonl data/qvhighlights/highlight_val_release.jsonl \
        --test work_dirs/x/test.jsonl data/qvhighlights/highlight_test_release.jsonl

Labels are not needed. Problems are listed; if a host would refuse the file for one of
them, nothing is written. Without ``--out`` the check is all that happens.
"""

import argparse
import sys

from mmvtg.datasets.annotations import read_json_lines
from mmvtg.evaluation.functional.schema import MEMBERS, find_problems, pack_submission
from mmvtg.utils import write_atomic

_SHOWN = 20


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for split in MEMBERS:
        parser.add_argument(f'--{split}', nargs=2, metavar=('PRED', 'ANNOTATIONS'))
    parser.add_argument('--out', help='zip file to write')
    parser.add_argument(
        '--clip-length', type=float, default=2.0, help='seconds a saliency score'
    )
    parser.add_argument(
        '--moments-only', action='store_true', help='saliency scores may be missing'
    )
    args = parser.parse_args()
    if not any(getattr(args, split) for split in MEMBERS):
        parser.error(f'give {" or ".join("--" + split for split in MEMBERS)}')
    return args


def main() -> int:
    args = parse_args()
    splits, problems = {}, []
    try:
        for split in MEMBERS:
            if getattr(args, split) is None:
                continue
            predictions, annotations = (
                [item for _, item in read_json_lines(path)]
                for path in getattr(args, split)
            )
            splits[split] = predictions
            found = find_problems(
                predictions, annotations, args.clip_length, not args.moments_only
            )
            problems += [(split, problem) for problem in found]
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    problems.sort(key=lambda item: not item[1].fatal)
    fatal = sum(problem.fatal for _, problem in problems)
    for split, problem in problems[:_SHOWN]:
        kind = 'error' if problem.fatal else 'remark'
        print(f'{kind}: {split}: {problem.text}', file=sys.stderr)
    if len(problems) > _SHOWN:
        print(f'... {len(problems) - _SHOWN} more', file=sys.stderr)
    if fatal:
        print(f'{fatal} errors, nothing written', file=sys.stderr)
        return 1
    counts = ', '.join(f'{name} {len(lines)} queries' for name, lines in splits.items())
    print(f'{counts}: no errors, {len(problems)} remarks')
    if args.out:
        write_atomic(args.out, pack_submission(splits))
        print(f'written: {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
