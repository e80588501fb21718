"""Render the MovingShapes data set into a data folder; see docs/moving_shapes.md."""

import argparse

from mmvtg.datasets.moving_shapes import generate
from mmvtg.datasets.moving_shapes.annotations import SPLITS
from mmvtg.utils.tool_main import tool_main


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', required=True, help='data root, made if missing')
    parser.add_argument('--size', default='demo', choices=('tiny', 'demo', 'full'))
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--workers', type=int, help='processes; default: all cores')
    parser.add_argument(
        '--trimmed-clips',
        action=argparse.BooleanOptionalAction,
        help='write recognition/clips/*/*.mp4 too; default: for tiny only',
    )
    for split in SPLITS:
        flag = f'--{split.replace("_", "-")}'
        parser.add_argument(flag, type=int, help=f'number of {split} videos')
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    return parser.parse_args()


@tool_main()
def main() -> None:
    """Render and say what was written."""
    args = parse_args()
    counts = {s: getattr(args, s) for s in SPLITS if getattr(args, s) is not None}
    manifest = generate(
        args.out,
        size=args.size,
        seed=args.seed,
        num_workers=args.workers,
        progress=not args.quiet,
        counts=counts,
        trimmed_clips=args.trimmed_clips,
    )
    for split, numbers in manifest['counts'].items():
        print(
            f'{split:<18} {numbers["videos"]:5d} videos '
            f'{numbers["queries"]:6d} queries '
            f'{numbers["moments"]:6d} moments {numbers["seconds"]:7d} s'
        )


if __name__ == '__main__':
    main()
