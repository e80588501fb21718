"""Ask one video: ``python demo/grounding_demo.py VIDEO "query" CONFIG CHECKPOINT``.

The short way to ``vtg_inferencer_demo.py``, which knows more.
"""

import argparse
import sys

from vtg_inferencer_demo import add_options, ask

from mmvtg.utils.tool_main import tool_main


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Find what a sentence says in a video')
    parser.add_argument('videos', metavar='VIDEO', help='video file')
    parser.add_argument('query', nargs='+', help='sentences, then CONFIG, CHECKPOINT')
    parser.add_argument('model', metavar='CONFIG', help='config file or model name')
    parser.add_argument(
        'weights', metavar='CHECKPOINT', help='weights; "random" for random ones'
    )
    add_options(parser)
    return parser.parse_args()


@tool_main('run the same command again to go on', also=(ValueError,))
def main() -> int:
    return ask(parse_args())


if __name__ == '__main__':
    sys.exit(main())
