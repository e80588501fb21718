"""Memory and time by length and by resolution of videos (Linux).

    python tools/benchmarks/long_videos.py --resolutions 640x360 3840x2160 7680x4320
    python tools/benchmarks/long_videos.py --minutes 10 120 \\
        --model CONFIG --checkpoint CHECKPOINT

With --resolutions, videos of 40 s are made, and each is read in a process of its own:
as clips of 224 pixels every 2 s, as thumbnails, and as a film of its first 10 s. The
table has the peak memory above that of the imported modules. "decoder" is PyAV alone,
which decodes all frames and keeps none.

With --minutes, videos of one frame per second are made, and the model answers one query
about each in a process of its own, without a cache. Frames are decoded in the same
thread ("here"), in another one, or in another process. The table has the memory above
that of the loaded model. The best of --repeats counts.
"""

import argparse
import multiprocessing
import os
import os.path as osp
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import av
import numpy as np

from mmvtg.apis import VTGInferencer
from mmvtg.utils import register_all_modules
from mmvtg.utils.tool_main import tool_main
from mmvtg.video.clips import FrameSource, VideoItem
from mmvtg.video.decoding import (
    Decode,
    DecodedVideo,
    chunk_length,
    decode_ahead,
    decode_here,
)
from mmvtg.video.processes import DecodingProcess
from mmvtg.visualization import write_summary_video
from mmvtg.visualization.thumbnails import read_thumbnails
from mmvtg.visualization.video_writer import VideoWriter

_QUERY = 'a red square slides to the right'
_SECONDS, _RATE = 40, 3  # of videos by resolution; larger ones take 0.1 s per frame
#: As encoders of large videos do: the decoder has to keep several frames.
_REFERENCES = 'keyint=60:scenecut=0:ref=4:bframes=3:b-pyramid=normal'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--resolutions', nargs='+', default=[], help='WIDTHxHEIGHT')
    parser.add_argument('--minutes', type=int, nargs='+', default=[])
    parser.add_argument('--model', help='config file or model name, for --minutes')
    parser.add_argument(
        '--checkpoint', default='random', help='default: random weights'
    )
    parser.add_argument('--size', type=int, default=128, help='of frames, pixels')
    parser.add_argument('--repeats', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    args = parser.parse_args()
    if not args.resolutions and not args.minutes:
        parser.error('give --resolutions or --minutes')
    if args.minutes and not args.model:
        parser.error('--minutes needs --model')
    return args


def draw_long_video(path: str, seconds: int, size: int) -> None:
    """Squares that wander over noise, one frame per second."""
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


def draw_large_video(path: str, width: int, height: int) -> None:
    """A grey square that wanders over blocks, at a low bitrate."""
    blocks = np.random.default_rng(0).integers(
        0, 80, (height // 64 + 1, width // 64 + 1)
    )
    ground = blocks.astype(np.uint8).repeat(64, 0).repeat(64, 1)[:height, :width]
    side = height // 5
    with av.open(path, 'w') as file:
        options = {'preset': 'ultrafast', 'crf': '40', 'threads': '1'}
        options['x264-params'] = _REFERENCES
        stream: Any = file.add_stream('libx264', rate=_RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        for number in range(_SECONDS * _RATE):
            frame = av.VideoFrame(width, height, 'yuv420p')
            light, *colors = (np.frombuffer(plane, np.uint8) for plane in frame.planes)
            light = light.reshape(height, -1)
            light[:, :width] = ground
            left = number * side // 7 % (width - side)
            light[side : 2 * side, left : left + side] = 230
            for color in colors:
                color[:] = 128
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def read_clips(path: str) -> None:
    source = FrameSource(224, 0.5)
    clips = chunk_length(source.clip_shape, 32, 4)
    with DecodedVideo(VideoItem(None, path), source, clips) as video:
        list(map(len, video.chunks()))


def read_film(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_summary_video(path, [[0, 10]], osp.join(folder, 'film.mp4'))


def decode_only(path: str) -> None:
    with av.open(path) as file:
        file.streams.video[0].codec_context.thread_count = 1
        for _ in file.decode(video=0):
            pass


#: Ways to read a video.
READERS: dict[str, Callable[[str], Any]] = {
    'decoder': decode_only,
    'clips': read_clips,
    'thumbnails': read_thumbnails,
    'film': read_film,
}


def peak() -> float:
    """Most memory that this process had, MiB."""
    # not ru_maxrss, which begins with that of the process that started this one
    with open('/proc/self/status') as file:
        fields = dict(line.split(':', 1) for line in file)
    return int(fields['VmHWM'].split()[0]) / 1024


def measure_reading(path: str, kind: str) -> tuple[float, float]:
    """Read a video in this fresh process; return seconds and MiB above the modules."""
    before, start = peak(), time.perf_counter()
    READERS[kind](path)
    return time.perf_counter() - start, peak() - before


def compare_resolutions(args: argparse.Namespace, folder: str, context: Any) -> None:
    print('| video | read as | wall s | MiB |')
    print('| --- | --- | ---: | ---: |')
    for resolution in args.resolutions:
        width, height = map(int, resolution.split('x'))
        path = osp.join(folder, f'{resolution}.mp4')
        draw_large_video(path, width, height)
        for kind in READERS:
            wall, mib = in_fresh_process(context, measure_reading, path, kind)
            print(f'| {resolution} | {kind} | {wall:.1f} | {mib:.0f} |', flush=True)


class Cost(NamedTuple):
    """Cost of an answer: seconds, processor seconds, and MiB; see the table."""

    wall: float
    cpu: float
    mib: float
    features: float


def measure_answer(path: str, args: argparse.Namespace, kind: str) -> Cost:
    """Query a video once, in a fresh process that has queried a short one before."""
    register_all_modules()
    inferencer = VTGInferencer(args.model, args.checkpoint, args.device, cache_bytes=0)
    process = DecodingProcess()
    decoders: dict[str, Decode] = {
        'here': decode_here,
        'thread': decode_ahead,
        'process': process.decode,
    }
    for encoder in inferencer.streams.encoders.values():
        encoder.decode = decoders[kind]
    short = osp.join(osp.dirname(path), 'short.mp4')
    parts = list(inferencer.streams(short))
    inferencer(short, _QUERY)
    row = sum(array[:1].nbytes for array in parts[0].arrays.values())
    total = max(one.check(path)[1] for one in inferencer.streams.encoders.values())
    process.stop()
    before, start, busy = peak(), time.perf_counter(), processor_seconds()
    inferencer(path, _QUERY, on_error='raise')
    wall, grown = time.perf_counter() - start, peak() - before
    process.stop()
    return Cost(wall, processor_seconds() - busy, grown, row * total / 2**20)


def processor_seconds() -> float:
    """Processor seconds of this process and of those that it waited for."""
    return sum(os.times()[:4])


def compare_lengths(args: argparse.Namespace, folder: str, context: Any) -> None:
    print(
        '| minutes | decoded in | wall s | processor s | MiB above | MiB of features |'
    )
    print('| ---: | --- | ---: | ---: | ---: | ---: |')
    draw_long_video(osp.join(folder, 'short.mp4'), 4, args.size)
    for minutes in args.minutes:
        path = osp.join(folder, f'{minutes}.mp4')
        draw_long_video(path, 60 * minutes, args.size)
        for kind in ('here', 'thread', 'process'):
            cost = min(
                in_fresh_process(context, measure_answer, path, args, kind)
                for _ in range(args.repeats)
            )
            print(
                f'| {minutes} | {kind} | {cost.wall:.2f} | {cost.cpu:.2f} | '
                f'{cost.mib:.0f} | {cost.features:.0f} |',
                flush=True,
            )


def in_fresh_process(context: Any, function: Callable, *args: Any) -> Any:
    # processes of a Pool are daemons, which may have no children
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(sender, function, args))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()


def _send_result(sender: Any, function: Callable, args: tuple) -> None:
    sender.send(function(*args))


@tool_main()
def main() -> None:
    args = parse_args()
    context = multiprocessing.get_context('spawn')
    with tempfile.TemporaryDirectory() as folder:
        if args.resolutions:
            compare_resolutions(args, folder, context)
        if args.minutes:
            compare_lengths(args, folder, context)


if __name__ == '__main__':
    main()
