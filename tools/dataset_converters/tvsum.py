"""TVSum -> JSON lines.

    python tools/dataset_converters/tvsum.py tvsum_anno.json \\
        data/tvsum/tvsum_train.jsonl --split train

Reads UMT's annotation file. Of the five videos of each domain one is for testing.
"""

from _command_line import run

from mmvtg.datasets.converters import TVSUM_VAL, convert_tvsum
from mmvtg.datasets.converters.json_files import read_videos


def add_arguments(parser):
    parser.add_argument('--split', choices=('train', 'val', 'all'), default='all')


def convert(args):
    if args.split == 'all':
        return convert_tvsum(args.source)
    if args.split == 'val':
        return convert_tvsum(args.source, TVSUM_VAL)
    train = [vid for vid in read_videos(args.source) if vid not in TVSUM_VAL]
    return convert_tvsum(args.source, train)


if __name__ == '__main__':
    run(__doc__, convert, add_arguments)
