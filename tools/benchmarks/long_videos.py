"""Time and memory of the inferencer by length of the video.

``python tools/benchmarks/long_videos.py CONFIG CHECKPOINT --minutes 10 120``

Draws videos of one frame a second, asks each one query in a process of its own, without
a cache, and prints the time, the memory above what the loaded model needs, and what all
features of the video would need. Each is asked with frames that another process
decodes, as it is done, and with frames that are decoded in the same process; the best
of the repeats counts.
"""

import argparse
import multiprocessing
import os
import os.path as osp
import resource
import tempfile
import time
from typing import Iterator, NamedTuple

import numpy as np

from mmvtg.apis import VTGInferencer, video_stream
from mmvtg.utils import register_all_modules
from mmvtg.video import apart
from mmvtg.video.source import FrameSource, VideoItem
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
    parser.add_argument('--repeats', type=int, default=1)
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


class HereVideo:
    """Takes the place of ApartVideo and decodes in this process, chunk by chunk."""

    def __init__(self, item: VideoItem, source: FrameSource, clips: int) -> None:
        self.reader, self.clips = source.open(item), clips
        self.duration = self.reader.duration

    def __len__(self) -> int:
        return len(self.reader)

    def __enter__(self) -> 'HereVideo':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def chunks(self) -> Iterator[np.ndarray]:
        total = len(self)
        for start in range(0, total, self.clips):
            yield self.reader.read(start, min(start + self.clips, total))

    def close(self) -> None:
        del self.reader


class Cost(NamedTuple):
    """What an answer took.

    Args:
        wall (float): Seconds.
        cpu (float): Processor seconds of this process and the one that decodes.
        mib (float): Above what the loaded model needs, MiB.
        other_mib (float): Of the process that decodes, all of it, MiB.
        features (float): Of all features of the video, MiB.
    """

    wall: float
    cpu: float
    mib: float
    other_mib: float
    features: float


def measure(path: str, args: argparse.Namespace, kind: type) -> Cost:
    """Ask a video once, in a fresh process that has asked a short one before."""
    video_stream.ApartVideo = kind
    register_all_modules()
    inferencer = VTGInferencer(args.config, args.checkpoint, args.device, cache_bytes=0)
    short = osp.join(osp.dirname(path), 'short.mp4')
    (part,) = inferencer.stream(short)
    row = part.features.nbytes // len(part.features)
    inferencer(short, 'a red square slides to the right')
    with inferencer.stream.open(path, 0) as video:
        total = len(video)
    others = [decoder.pid for decoder in apart._idle]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, busy = time.perf_counter(), time.process_time() + sum(map(cpu_of, others))
    inferencer(path, 'a red square slides to the right')
    wall = time.perf_counter() - start
    busy = time.process_time() + sum(map(cpu_of, others)) - busy
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / _MIB
    return Cost(wall, busy, grown, sum(map(peak_of, others)), row * total / 2**20)


def cpu_of(pid: int) -> float:
    """Processor seconds of another process (Linux)."""
    with open(f'/proc/{pid}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def peak_of(pid: int) -> float:
    """Most memory that another process had, MiB (Linux)."""
    with open(f'/proc/{pid}/status') as file:
        fields = dict(line.split(':', 1) for line in file)
    return int(fields['VmHWM'].split()[0]) / _MIB


def main() -> None:
    args = parse_args()
    print('| minutes | decoded | wall s | processor s | MiB above the model | ', end='')
    print('MiB of the other process | MiB of all features |')
    print('| ---: | --- | ---: | ---: | ---: | ---: | ---: |')
    context = multiprocessing.get_context('spawn')
    kinds = {'apart': apart.ApartVideo, 'here': HereVideo}
    with tempfile.TemporaryDirectory() as folder:
        draw_video(osp.join(folder, 'short.mp4'), 4, args.size)
        for minutes in args.minutes:
            path = osp.join(folder, f'{minutes}.mp4')
            draw_video(path, 60 * minutes, args.size)
            costs = {name: [] for name in kinds}
            for _ in range(args.repeats):
                for name, kind in kinds.items():
                    with context.Pool(1) as pool:
                        costs[name].append(pool.apply(measure, (path, args, kind)))
            best = {name: min(costs[name]) for name in kinds}
            for name, cost in best.items():
                print(
                    f'| {minutes} | {name} | {cost.wall:.2f} | {cost.cpu:.2f} | '
                    f'{cost.mib:.0f} | {cost.other_mib:.0f} | {cost.features:.0f} |'
                )
            wall, cpu = (best['apart'][i] / best['here'][i] for i in (0, 1))
            print(f'| | ratio | {wall:.2f} | {cpu:.2f} | | | |', flush=True)


if __name__ == '__main__':
    main()
