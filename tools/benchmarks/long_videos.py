"""Time and memory of the inferencer by length of the video.

``python tools/benchmarks/long_videos.py CONFIG CHECKPOINT --minutes 10 120``

Draws videos of one frame a second, asks each one query in a process of its own, without
a cache, and prints the processor's time, the memory above what the loaded model needs,
and what all features of the video would need.
"""

import argparse
import multiprocessing
import os.path as osp
import resource
import tempfile
import time
from typing import Tuple

import numpy as np

from mmvtg.apis import VTGInferencer
from mmvtg.utils import register_all_modules
from mmvtg.visualization.video_writer import VideoWriter

_MIB = 1024  # of ru_maxrss, which counts KiB


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file or model name')
    parser.add_argument('checkpoint', help='weights; "random" will do')
    parser.add_argument('--minutes', type=int, nargs='+', default=[10, 120])
    parser.add_argument('--size', type=int, default=128, help='of frames, pixels')
    parser.add_argument('--device', default='cpu')
    return parser.parse_args()


def draw_video(path: str, seconds: int, size: int) -> None:
    """Squares that wander over noise."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 80, (size, size, 3)).astype(np.uint8)
    with VideoWriter(path, 1, size, size) as writer:
        for second in range(seconds):
            frame = noise.copy()
            left = second * 7 % (size - size // 4)
            frame[size // 3 : size // 2, left : left + size // 4, second // 20 % 3] = (
                255
            )
            writer.write(frame)


def measure(path: str, args: argparse.Namespace) -> Tuple[float, float, float]:
    """Processor seconds, MiB above the loaded model, MiB of all features."""
    register_all_modules()
    inferencer = VTGInferencer(args.config, args.checkpoint, args.device, cache_bytes=0)
    reader = inferencer.stream.open(path)
    row = inferencer.stream.encode(reader.read(0, 1)).nbytes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    inferencer(path, 'a red square slides to the right')
    seconds = time.process_time() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, (after - before) / _MIB, row * len(reader) / 2**20


def main() -> None:
    args = parse_args()
    print('| minutes | processor s | MiB above the model | MiB of all features |')
    print('| ---: | ---: | ---: | ---: |')
    with tempfile.TemporaryDirectory() as folder:
        for minutes in args.minutes:
            path = osp.join(folder, f'{minutes}.mp4')
            draw_video(path, 60 * minutes, args.size)
            context = multiprocessing.get_context('spawn')
            with context.Pool(1) as pool:
                seconds, grown, features = pool.apply(measure, (path, args))
            print(f'| {minutes} | {seconds:.0f} | {grown:.0f} | {features:.0f} |')


if __name__ == '__main__':
    main()
