"""Which moments are found, what goes wrong with the others: pictures and JSON.

    python tools/analysis_tools/error_analysis.py work_dirs/x/submission.jsonl \
        data/qvhighlights/highlight_val_release.jsonl --out-dir work_dirs/x/errors

Recall and error kinds (boundary, wrong moment, missed, duplicate) by moment length,
position, query length and number of moments of the query.
"""

import argparse
import json
import os.path as osp
import sys

from mmvtg.datasets.annotations import read_json_lines
from mmvtg.evaluation.functional.error_kinds import (
    KINDS,
    find_errors,
    group_errors,
    kinds_by_rank,
)
from mmvtg.utils import write_atomic
from mmvtg.utils.tool_main import tool_main
from mmvtg.visualization.error_charts import draw_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('predictions', help='JSON lines, best windows first')
    parser.add_argument('ground_truth', help='annotations of the same queries')
    parser.add_argument('--out-dir', required=True, help='folder for the pictures')
    parser.add_argument(
        '--iou',
        type=float,
        nargs='+',
        default=[0.5, 0.7],
        help='from this IoU a moment is found; the first one is shown in detail',
    )
    parser.add_argument(
        '--near', type=float, default=0.1, help='from this IoU it is touched'
    )
    parser.add_argument('--top-k', type=int, default=5, help='predictions a query')
    parser.add_argument('--name', help='for the captions (default: the file name)')
    return parser.parse_args()


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
    reports = [
        find_errors(predictions, ground_truth, iou, args.near, args.top_k)
        for iou in args.iou
    ]
    name = args.name or osp.basename(args.predictions).partition('.')[0]
    files = draw_errors(reports, args.out_dir, name)
    ranks = [dict(zip(KINDS, row)) for row in kinds_by_rank(reports[0]).tolist()]
    content = dict(
        iou=args.iou[0],
        near=args.near,
        top_k=args.top_k,
        by_property=group_errors(reports[0]),
        by_rank=ranks,
    )
    path = osp.join(args.out_dir, 'errors.json')
    write_atomic(path, (json.dumps(content, indent=4) + '\n').encode())
    for file in (*files.values(), path):
        print(file)
    return 0


if __name__ == '__main__':
    sys.exit(main())
