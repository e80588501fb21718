"""TACoS -> JSON lines.

    python tools/dataset_converters/tacos.py TACoS_test.json data/tacos/test.jsonl

Reads the JSON of 2D-TAN and MMN, whose timestamps count frames; the result is what
circulates as Moment-DETR style lines.
"""

from _command_line import run

from mmvtg.datasets.converters import convert_timestamps


def convert(args):
    return convert_timestamps(args.source, clamp=True)


if __name__ == '__main__':
    run(__doc__, convert)
