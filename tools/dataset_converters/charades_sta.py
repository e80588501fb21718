"""Charades-STA -> JSON lines.

    python tools/dataset_converters/charades_sta.py charades_sta_train.txt \\
        data/charades_sta/charades_sta_train_tvr_format.jsonl \\
        --durations Charades_v1_train.csv

Reads the official text (`VID start end##sentence.`), whose durations come from
Charades' own CSV file, from JSON or JSON lines, or from the folder of videos or of
their images (24 per second in Charades_v1_rgb); and the JSON of 2D-TAN and MMN, which
contains the durations.
"""

from _command_line import run

from mmvtg.datasets.converters import (
    convert_sentences,
    convert_timestamps,
    read_durations,
)


def add_arguments(parser):
    parser.add_argument('--durations', help='CSV, JSON, JSON lines or folder of videos')
    parser.add_argument(
        '--frame-rate', type=float, help='images per second, for folders of images'
    )


def convert(args):
    if args.source.removesuffix('.gz').endswith('.json'):
        return convert_timestamps(args.source)
    if args.durations is None:
        raise ValueError('the text does not say how long videos are: give --durations')
    durations = read_durations(args.durations, args.frame_rate)
    return convert_sentences(args.source, durations)


if __name__ == '__main__':
    run(__doc__, convert, add_arguments)
