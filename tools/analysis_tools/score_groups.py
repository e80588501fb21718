"""Score parts of a submission: queries that have something in common.

    python tools/analysis_tools/score_groups.py submission.jsonl annotations.jsonl \
        --field domain
    python tools/analysis_tools/score_groups.py submission.jsonl annotations.jsonl \
        --pattern "doors=door|gate" --pattern "food=eat|drink|cook"
    python tools/analysis_tools/score_groups.py submission.jsonl \
        data/moving_shapes/demo/qvhighlights/test.jsonl --directions

A query may be in several groups; what no pattern finds is the rest. ``--directions`` is
for MovingShapes: queries that name a direction, which no single frame tells.
"""

import argparse
import json
import sys
from typing import Dict, List

from mmvtg.datasets.json_lines import read_json_lines
from mmvtg.datasets.moving_shapes.vocabulary import direction_patterns
from mmvtg.evaluation.functional import (
    PROTOCOLS,
    evaluate_groups,
    group_by_field,
    group_by_pattern,
)
from mmvtg.evaluation.functional.table import format_groups
from mmvtg.utils import write_atomic
from mmvtg.utils.tool_main import tool_main


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('predictions', help='JSON lines, best windows first')
    parser.add_argument('ground_truth', help='annotations of the same queries')
    by = parser.add_mutually_exclusive_group(required=True)
    by.add_argument('--field', help='of the annotations; a list counts by its length')
    by.add_argument(
        '--pattern', action='append', metavar='NAME=REGEX', help='may come repeatedly'
    )
    by.add_argument('--directions', action='store_true', help='of MovingShapes')
    parser.add_argument('--protocol', choices=sorted(PROTOCOLS), default='qvhighlights')
    parser.add_argument(
        '--clip-length', type=float, default=2.0, help='seconds a saliency score'
    )
    parser.add_argument('--out', help='write all numbers as JSON')
    return parser.parse_args()


def read_patterns(given: List[str]) -> Dict[str, str]:
    """``NAME=REGEX`` of the command line.

    Raises:
        ValueError: One has no name, or a name comes twice.
    """
    patterns: Dict[str, str] = {}
    for text in given:
        name, equals, pattern = text.partition('=')
        if not (name and equals and pattern) or name in patterns:
            raise ValueError(f'--pattern {text!r}: want NAME=REGEX, each name once')
        patterns[name] = pattern
    return patterns


@tool_main(also=(ValueError,))
def main() -> int:
    args = parse_args()
    predictions, ground_truth = (
        [item for _, item in read_json_lines(path, name)]
        for path, name in (
            (args.predictions, 'predictions file'),
            (args.ground_truth, 'ground truth file'),
        )
    )
    if args.field:
        groups = group_by_field(ground_truth, args.field)
    else:
        given = read_patterns(args.pattern or [])
        groups = group_by_pattern(ground_truth, given or direction_patterns())
    results = evaluate_groups(
        predictions, ground_truth, groups, args.protocol, args.clip_length
    )
    print(format_groups(results))
    if args.out:
        write_atomic(args.out, (json.dumps(results, indent=4) + '\n').encode())
    return 0


if __name__ == '__main__':
    sys.exit(main())
