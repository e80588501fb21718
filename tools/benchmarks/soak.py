"""Ask one inferencer again and again, and see whether it grows.

    python tools/benchmarks/soak.py CONFIG random VIDEO ... --inferences 500

Each inference decodes a video, encodes it and answers a query; nothing is cached. The
process's memory (RSS), open files and threads are taken along the way. Memory that an
allocator fills up in the first inferences is no leak, so growth is counted from the
first quarter on. Exit status 1 if it is more than --allowed MiB, or files or threads
are left open.
"""

import argparse
import gc
import json
import os
import sys
import time
from typing import Dict, List, Optional

import numpy as np
from cpu_time import Stopwatch

from mmvtg.apis import VTGInferencer
from mmvtg.utils import register_all_modules
from mmvtg.utils.tool_main import tool_main

QUERIES = (
    'a red circle slides to the left',
    'the big star stops',
    'a small white cross is shaking while something else moves',
)


def state() -> Dict[str, float]:
    """Memory (MiB), open files and threads of this process (Linux)."""
    gc.collect()
    with open('/proc/self/status') as file:
        fields = dict(line.split(':', 1) for line in file)
    return dict(
        mib=int(fields['VmRSS'].split()[0]) / 1024,
        files=len(os.listdir('/proc/self/fd')),
        threads=int(fields['Threads']),
    )


def soak(
    inferencer: VTGInferencer, videos: List[str], inferences: int, points: int = 20
) -> List[Dict[str, float]]:
    """States before, along and after so many inferences."""
    states = [dict(inferences=0, **state())]
    for i in range(inferences):
        inferencer(videos[i % len(videos)], QUERIES[i % len(QUERIES)])
        if (i + 1) % max(inferences // points, 1) == 0 or i + 1 == inferences:
            states.append(dict(inferences=i + 1, **state()))
            print(f'{i + 1} inferences: {states[-1]["mib"]:.1f} MiB', file=sys.stderr)
    return states


def growth(states: List[Dict[str, float]]) -> Dict[str, float]:
    """What grew from the first quarter to the end; MiB also by a straight line."""
    rest = states[len(states) // 4 :]
    x = np.array([row['inferences'] for row in rest], dtype=float)
    y = np.array([row['mib'] for row in rest])
    slope = float(np.polyfit(x, y, 1)[0]) if len(rest) > 2 else 0.0
    return dict(
        mib=y[-1] - y[0],
        mib_per_1000=1000 * slope,
        files=rest[-1]['files'] - rest[0]['files'],
        threads=rest[-1]['threads'] - rest[0]['threads'],
    )


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file or model name')
    parser.add_argument('weights', help='checkpoint, or "random"')
    parser.add_argument('videos', nargs='+', help='video files')
    parser.add_argument('--inferences', type=int, default=500)
    parser.add_argument('--allowed', type=float, default=16.0, help='MiB (%(default)s)')
    parser.add_argument('--out', help='JSON file of all states')
    return parser.parse_args(argv)


@tool_main()
def main(argv: Optional[List[str]] = None) -> int:
    args = parse_args(argv)
    register_all_modules()
    inferencer = VTGInferencer(args.config, args.weights, cache_bytes=0)
    start = time.perf_counter()
    with Stopwatch() as watch:
        states = soak(inferencer, args.videos, args.inferences)
    wall = time.perf_counter() - start
    grown = growth(states)
    result = dict(growth=grown, wall_s=wall, cpu_s=watch.cpu, states=states)
    if args.out:
        with open(args.out, 'w') as file:
            json.dump(result, file, indent=1)
    print(
        f'{args.inferences} inferences of {len(args.videos)} videos, '
        f'{watch.cpu:.0f} s of processor: {states[0]["mib"]:.0f} MiB before, '
        f'{states[-1]["mib"]:.0f} MiB after; since the first quarter '
        f'{grown["mib"]:+.1f} MiB ({grown["mib_per_1000"]:+.1f} MiB in 1,000 by a '
        f'straight line), {grown["files"]:+d} files, {grown["threads"]:+d} threads'
    )
    leaks = grown['mib'] > args.allowed or grown['files'] > 0 or grown['threads'] > 0
    return int(leaks)


if __name__ == '__main__':
    sys.exit(main())
