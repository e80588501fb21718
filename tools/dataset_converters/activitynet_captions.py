"""ActivityNet Captions -> JSON lines.

    python tools/dataset_converters/activitynet_captions.py val_1.json \\
        data/activitynet_captions/val_1.jsonl

val_1 and val_2 share videos, so ids of queries start with the name of the file.
"""

import os.path as osp

from _command_line import run

from mmvtg.datasets.converters import convert_timestamps


def convert(args):
    name = osp.basename(args.out).split('.')[0]
    return convert_timestamps(args.source, qid_prefix=f'{name}_')


if __name__ == '__main__':
    run(__doc__, convert)
