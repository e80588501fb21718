"""Charades-CG and ActivityNet-CG -> JSON lines.

    python tools/dataset_converters/compositional.py Charades-CG/novel_word.json \\
        data/charades_cg/novel_word.jsonl

Splits share videos, so ids of queries start with the name of the split. Ends past the
video are clamped, sentences with start >= end dropped. What is novel in a sentence
stays in the lines (`news`, `novels`).
"""

import os.path as osp

from _command_line import run

from mmvtg.datasets.converters import convert_timestamps


def convert(args):
    name = osp.basename(args.out).split('.')[0]
    return convert_timestamps(args.source, qid_prefix=f'{name}_', clamp=True)


if __name__ == '__main__':
    run(__doc__, convert)
