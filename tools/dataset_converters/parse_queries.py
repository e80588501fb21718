"""Parse the queries of annotation files once: noun chunks, other words, main verb.

    python tools/dataset_converters/parse_queries.py data/charades_cg/*.jsonl \
        --out data/charades_cg/parses.json

Queries that the file has already are left out, unless another model of spaCy made it.
The transforms ``SplitQuery(parses=...)`` and ``VerbPosition(parses=...)`` read the
file, and need no spaCy then.
"""

import argparse
import sys
import time

from mmvtg.datasets.json_lines import read_json_lines
from mmvtg.datasets.query_parsing import ParseFile, load_parser
from mmvtg.utils.tool_main import tool_main


@tool_main(also=(ValueError,))
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('annotations', nargs='+', help='JSON lines with `query`')
    parser.add_argument('--out', required=True, help='file of parses (JSON)')
    args = parser.parse_args()
    queries = [
        str(item['query']).strip()
        for path in args.annotations
        for _, item in read_json_lines(path)
        if item.get('query')
    ]
    load_parser()
    start, cpu_start = time.perf_counter(), time.process_time()
    count = ParseFile(args.out).update(queries)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    rate = ''
    if count:
        # the first says how long it takes here, the second also on a busy machine
        rate = f', {count / seconds:.0f} a second, {count / cpu:.0f} a CPU second'
    sys.stdout.write(f'{args.out}: {count} queries parsed{rate}\n')


if __name__ == '__main__':
    main()
