"""YouTube Highlights -> JSON lines.

    python tools/dataset_converters/youtube_highlights.py youtube_anno.json \\
        data/youtube_highlights/train.jsonl --split train_ids.txt

Reads UMT's annotation file. The split is a list of video ids: one a line, a JSON list,
or JSON lines such as those that circulate.
"""

from _command_line import run

from mmvtg.datasets.converters import convert_youtube, read_split


def add_arguments(parser):
    parser.add_argument('--split', required=True, help='file of video ids')
    parser.add_argument(
        '--titles', action='store_true', help='query: title of the video, not domain'
    )


def convert(args):
    return convert_youtube(args.source, read_split(args.split), args.titles)


if __name__ == '__main__':
    run(__doc__, convert, add_arguments)
