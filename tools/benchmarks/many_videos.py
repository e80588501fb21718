"""What grows with the number of videos: the index of a pack, the list of samples.

    python tools/benchmarks/many_videos.py --videos 200000

Writes a pack of so many items of one small row each, and as many annotation lines, and
measures in processes of their own: opening the pack, reading items at random, and
reading the annotations into a data set's list. Rows are small because what is looked
at does not depend on them.
"""

import argparse
import json
import os.path as osp
import random
import resource
import subprocess
import sys
import tempfile
import time

import torch

from mmvtg.utils.tool_main import tool_main


def fill(folder: str, count: int) -> None:
    from mmvtg.datasets.pack_writer import PackWriter

    manifest = dict(dtype='float16', row_shape=[8], fps=0.5)
    row = torch.zeros(1, 8, dtype=torch.float16)
    with PackWriter(folder, manifest) as pack:
        for number in range(count):
            pack.write(f'video_{number:08d}', row)
    line = dict(query='a man opens a door', duration=30, relevant_windows=[[4, 10]])
    with open(f'{folder}.jsonl', 'w') as file:
        for number in range(count):
            line.update(qid=number, vid=f'video_{number:08d}')
            file.write(json.dumps(line) + '\n')


def open_and_read(folder: str, reads: int = 2000) -> None:
    from mmvtg.datasets.feature_pack import FeaturePack

    before, start = memory(), time.process_time()
    pack = FeaturePack(folder)
    opened = time.process_time() - start
    grown = memory() - before
    names = random.Random(0).choices(pack.ids(), k=reads)
    start = time.process_time()
    for name in names:
        pack[name].sum()
    each = (time.process_time() - start) / reads
    print(
        f'open the pack: {opened:.1f} s, {grown:.0f} MiB; an item: {1e6 * each:.0f} us'
    )


def read_lines(folder: str) -> None:
    from mmvtg.datasets import read_annotations

    before, start = memory(), time.process_time()
    samples = read_annotations(f'{folder}.jsonl', 2.0)
    seconds, grown = time.process_time() - start, memory() - before
    print(f'read {len(samples)} annotation lines: {seconds:.1f} s, {grown:.0f} MiB')


def memory() -> float:
    """MiB that this process has now."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


@tool_main()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--videos', type=int, default=200_000)
    parser.add_argument('--measure', help=argparse.SUPPRESS)
    parser.add_argument('--folder', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        dict(pack=open_and_read, lines=read_lines)[args.measure](args.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        target = osp.join(folder, 'pack')
        start = time.process_time()
        fill(target, args.videos)
        print(f'write: {time.process_time() - start:.1f} s', flush=True)
        for what in ('pack', 'lines'):
            command = [sys.executable, __file__, '--measure', what, '--folder', target]
            subprocess.run(command, check=True)


if __name__ == '__main__':
    main()
