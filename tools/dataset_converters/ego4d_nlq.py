"""Ego4D-NLQ -> JSON lines.

    python tools/dataset_converters/ego4d_nlq.py nlq_train.json \\
        data/ego4d_nlq/nlq_train.jsonl

A clip of Ego4D is a video here, and times are relative to it.
"""

from _command_line import run

from mmvtg.datasets.converters import convert_ego4d_nlq


def convert(args):
    return convert_ego4d_nlq(args.source)


if __name__ == '__main__':
    run(__doc__, convert)
