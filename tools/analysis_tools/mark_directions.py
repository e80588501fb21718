"""Queries of MovingShapes whose directions a text tower cannot overhear.

    ROOT=data/moving_shapes/demo
    python tools/analysis_tools/mark_directions.py $ROOT/qvhighlights $ROOT/marked

Writes the annotation files again, with a few words behind each query that names a
direction: "something blue glides to the right with a pink cross". The words are those
that a tower trained on still images tells apart best, and follow from the query alone,
so nothing is told that the query does not say. What a model finds with marked queries
and not with plain ones, it missed in the text and not in the video.
"""

import argparse
import json
import os
import os.path as osp
import re
import sys
from glob import glob

from mmvtg.datasets.moving_shapes.vocabulary import action_phrases
from mmvtg.utils import write_atomic
from mmvtg.utils.tool_main import tool_main

#: Of each action with an opposite: what is put behind the query.
MARKS = {
    'slide_left': 'with a yellow square',
    'slide_right': 'with a pink cross',
    'rise': 'with a green circle',
    'sink': 'with a white star',
    'grow': 'with a red triangle',
    'shrink': 'with a blue cross',
}


def mark(query: str) -> str:
    """The query with the marks of its directions behind it, in their order."""
    found = [
        (match.start(), words)
        for action, words in MARKS.items()
        for match in re.finditer(rf'\b({"|".join(action_phrases(action))})\b', query)
    ]
    return ' '.join([query, *(words for _, words in sorted(found))])


@tool_main()
def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='folder of annotations, one JSON a line')
    parser.add_argument('target', help='folder to write')
    args = parser.parse_args()
    files = sorted(glob(osp.join(args.source, '*.jsonl')))
    if not files:
        print(f'{args.source}: there are no .jsonl files', file=sys.stderr)
        return 1
    os.makedirs(args.target, exist_ok=True)
    for path in files:
        with open(path, encoding='utf-8') as file:
            items = [json.loads(line) for line in file]
        marked = sum(mark(item['query']) != item['query'] for item in items)
        for item in items:
            item['query'] = mark(item['query'])
        target = osp.join(args.target, osp.basename(path))
        text = ''.join(f'{json.dumps(item)}\n' for item in items)
        write_atomic(target, text.encode())
        print(f'{target}: {marked} of {len(items)} queries name a direction')
    return 0


if __name__ == '__main__':
    sys.exit(main())
