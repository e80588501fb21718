"""Memory and time of retrieval between many videos and as many texts.

    python tools/benchmarks/retrieval.py --size 100000 --width 512 --rows 4000

Made-up embeddings, of which text i belongs to video i. `--rows` ranks only so many
queries of each direction against all items: the memory is that of all of them, as
queries are ranked block by block, and the time is a fraction. CPU seconds of one core,
and the most memory that ranking holds besides the embeddings, beside what all
similarities would take.
"""

import argparse
import os

for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
    os.environ[name] = '1'  # read when numpy loads

import resource  # noqa: E402
import time  # noqa: E402
import tracemalloc  # noqa: E402
from typing import Tuple  # noqa: E402

import numpy as np  # noqa: E402

from mmvtg.evaluation.functional.retrieval import first_ranks  # noqa: E402

MIB = 2**20


def embeddings(size: int, width: int) -> Tuple[np.ndarray, np.ndarray]:
    """Videos and noisy copies as texts, both (size, width) float32 of unit length."""
    rng = np.random.default_rng(0)
    videos = rng.standard_normal((size, width), dtype=np.float32)
    texts = rng.standard_normal((size, width), dtype=np.float32)
    texts *= 3
    texts += videos
    for rows in (videos, texts):
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return videos, texts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--size', type=int, default=100000, help='videos, and texts')
    parser.add_argument('--width', type=int, default=512, help='of an embedding')
    parser.add_argument('--rows', type=int, help='queries to rank; default: all')
    args = parser.parse_args()
    rows = min(args.rows or args.size, args.size)
    videos, texts = embeddings(args.size, args.width)
    held = (videos.nbytes + texts.nbytes) / MIB
    groups = range(args.size)
    print(f'{args.size} x {args.size}, width {args.width}: embeddings {held:.0f} MiB')
    for name, queries, items in (
        ('text to video', texts, videos),
        ('video to text', videos, texts),
    ):
        tracemalloc.start()
        start = time.process_time()
        ranks = first_ranks(queries[:rows], items, groups[:rows], groups)
        seconds = time.process_time() - start
        most = tracemalloc.get_traced_memory()[1] / MIB
        tracemalloc.stop()
        print(
            f'{name}: {rows} queries in {seconds:.1f} s, {most:.0f} MiB at most, '
            f'R@1 {(ranks <= 1).mean():.1%}'
        )
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f'all similarities at once: {4 * args.size**2 / MIB:.0f} MiB; '
        f'the whole process: {process:.0f} MiB at most'
    )


if __name__ == '__main__':
    main()
