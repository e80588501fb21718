"""Read damaged videos with PyAV, and see whether the process survives (Linux).

    python tools/benchmarks/fuzz_videos.py --copies 30000 --keep work_dirs/bad_videos
    python tools/benchmarks/fuzz_videos.py --pairs h264-mp4 vp9-webm --seed 1

Videos of a second are made of every codec in every container that takes it, one plain
and one with sound, rotation and another pixel format. A child process opens, demuxes
and decodes damaged copies of them, turns frames into arrays and seeks. Python
exceptions are fine, and counted. It is bad if the child dies of a signal, makes no
progress for 20 s, takes over two minutes or needs over 1 GiB for a copy; its address
space ends at 4 GiB. Bad copies go to --keep, named by pair, seed and number. Exit
status 1 if any copy aborted or hung.
"""

import argparse
import faulthandler
import multiprocessing
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import av
import numpy as np

from mmvtg.utils.tool_main import tool_main

CALLS = ('open', 'demux', 'seek', 'decode', 'convert', 'close')
STATES = ('whole', 'in part', 'refused', 'aborted', 'hung', 'over memory')
STALL, LIMIT, MEMORY, ADDRESSES = 20, 120, 1 << 30, 4 << 30  # seconds, bytes
CONTAINERS = ('mp4', 'mkv', 'webm', 'ts', 'avi', 'mov', 'mpg', 'wmv', 'flv')
# encoder, its options, pixel formats of the plain and the rich video
CODECS: Dict[str, Tuple[str, Dict[str, str], Tuple[str, str]]] = {
    'h264': ('libx264', {}, ('yuv420p', 'yuv422p10le')),
    'hevc': ('libx265', {'x265-params': 'log-level=none'}, ('yuv420p', 'yuv420p10le')),
    'vp9': ('libvpx-vp9', {'cpu-used': '8', 'b': '200k'}, ('yuv420p', 'yuv444p')),
    'av1': ('libsvtav1', {'preset': '12'}, ('yuv420p', 'yuv420p10le')),
    'mpeg2': ('mpeg2video', {'bf': '2'}, ('yuv420p', 'yuv422p')),
    'mpeg4': ('mpeg4', {'bf': '2'}, ('yuv420p', 'yuv420p')),
    'mjpeg': ('mjpeg', {}, ('yuvj420p', 'yuvj444p')),
    'vp8': ('libvpx', {'cpu-used': '8', 'b': '200k'}, ('yuv420p', 'yuv420p')),
    'wmv2': ('wmv2', {}, ('yuv420p', 'yuv420p')),
    'flv1': ('flv', {}, ('yuv420p', 'yuv420p')),
    'gif': ('gif', {}, ('rgb8', 'gray')),
}
RARE = {'vp8': ('webm',), 'wmv2': ('wmv',), 'flv1': ('flv',), 'gif': ('gif',)}
PAIRS = [f'{c}-{suffix}' for c in CODECS for suffix in RARE.get(c, CONTAINERS)]


def make_video(path: str, codec: str, rich: bool) -> None:
    """A square that moves over noise; rich mp4 and mov are fragmented, too."""
    encoder, options, formats = CODECS[codec]
    fragmented = rich and path.endswith(('mp4', 'mov'))
    flags = {'movflags': 'frag_keyframe+empty_moov'} if fragmented else {}
    with av.open(path, 'w', options=flags) as container:
        streams = [container.add_stream(encoder, 25, {'g': '8', **options})]
        streams[0].width, streams[0].height = 96, 64
        streams[0].pix_fmt = formats[rich]
        if rich:
            streams[0].set_display_rotation(90)
            streams[0].codec_context.sample_aspect_ratio = 2
        if rich and codec != 'gif':
            streams += [container.add_stream(container.default_audio_codec, 48000)]
            streams[1].bit_rate = 64000
            wave = (9000 * np.sin(np.arange(96000) / 40)).astype(np.int16)
            sound = av.AudioFrame.from_ndarray(wave[None], 's16', 'stereo')
            sound.sample_rate = 48000
            container.mux(streams[1].encode(sound))
        picture = np.random.default_rng(0).integers(0, 90, (64, 96, 3), np.uint8)
        for i in range(25):
            picture[20:40, 3 * i : 3 * i + 20] = 240, 9 * i, 20
            frame = av.VideoFrame.from_ndarray(picture, 'rgb24')
            container.mux(streams[0].encode(frame))
        for stream in streams:
            container.mux(stream.encode())


def damage(video: bytes, other: bytes, rng: random.Random) -> bytes:
    """A copy with one to three kinds of damage."""
    data = bytearray(video)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        size = len(data)
        # anywhere, or at the ends, where containers describe what they hold
        places = (0, size), (0, size), (0, min(size, 700)), (max(size - 3000, 0), size)
        first, last = rng.choice(places)
        at = rng.randrange(first, last)
        kind = rng.choice(('bits', 'bits', 'numbers', 'block', 'block', 'block', 'end'))
        if kind == 'bits':
            for _ in range(int(2 ** rng.uniform(0, 8))):
                data[rng.randrange(first, last)] ^= 1 << rng.randrange(8)
        elif kind == 'numbers':
            for _ in range(rng.randint(1, 6)):
                at = rng.randrange(first, last)
                form = rng.choice(('>i', '<i', '>h', '<h'))
                half = 1 << (8 * struct.calcsize(form) - 1)
                number = rng.choice((0, 1, -1, half - 1, -half))
                data[at : at + struct.calcsize(form)] = struct.pack(form, number)
        elif kind == 'block':  # overwritten, lost, doubled, or swapped with the next
            run = min(int(2 ** rng.uniform(0, 11)), last - at)
            block, after = data[at : at + run], data[at + run : at + 2 * run]
            new = rng.randbytes(run), bytes(run), b'\xff' * run, b'', 2 * block
            changed = rng.choice([*(x + after for x in new), after + block])
            data[at : at + 2 * run] = changed
        else:  # ends early, or goes on as another video
            data[at:] = rng.choice((b'', other[rng.randrange(len(other)) :]))
        data = data or bytearray(1)
    return bytes(data)


def read(path: str, threads: int, progress: Any) -> Tuple[int, List[Tuple[str, str]]]:
    """Number of frames, and the call and exception of every failure.

    Frames' ``side_data`` is left alone: it keeps frames until the garbage collector
    runs, which looks like a leak.
    """
    errors: List[Tuple[str, str]] = []

    @contextmanager
    def trying(call: str) -> Iterator[None]:
        progress[:] = progress[0] + 1, CALLS.index(call)
        try:
            yield
        except Exception as error:
            errors.append((call, f'{type(error).__module__}.{type(error).__name__}'))

    def opened() -> Tuple[Any, Any]:
        container = av.open(path, metadata_errors='ignore')
        stream = container.streams.video[0]
        stream.thread_type, stream.thread_count = 'AUTO', threads
        return container, stream

    def decoded(most: Optional[int]) -> int:
        count = 0
        with trying('demux'):
            for packet in container.demux(stream):
                with trying('decode'):
                    for frame in packet.decode():
                        _ = frame.pts, frame.rotation, frame.key_frame, frame.is_corrupt
                        if count % 6 == 0:
                            with trying('convert'):
                                frame.to_ndarray(format='rgb24').sum()
                        count += 1
                if most and count >= most:
                    break
        return count

    with trying('open'):
        container, stream = opened()
        _ = stream.average_rate, stream.guessed_rate, stream.sample_aspect_ratio
        _ = stream.time_base, stream.start_time, stream.duration, container.duration
    if errors:
        return 0, errors
    times = [0]
    with trying('demux'):
        for packet in container.demux(stream):
            progress[0] += 1
            times += [t for t in (packet.pts, packet.dts) if t is not None]
            _ = packet.is_keyframe, packet.is_corrupt, packet.duration
            _ = [bytes(data) for data in packet.iter_sidedata()]
    rng, frames = random.Random(0), 0
    for target, most in ((0, None), (rng.choice(times), 4), (rng.choice(times), 4)):
        failures = len(errors)
        with trying('seek'):
            container.seek(target, stream=stream)
        if len(errors) > failures:
            with trying('open'):
                container, stream = opened()
        frames = max(frames, decoded(most))
    with trying('close'):
        container.close()
    return frames, errors


def memory(name: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most."""
    with open('/proc/self/status') as file:
        return next(int(x.split()[1]) << 10 for x in file if x.startswith(name))


def serve(pipe: Any, progress: Any, threads: int, log: str) -> None:
    """What the child does: reads the files whose paths come in."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    faulthandler.enable()
    while True:
        path = pipe.recv()
        Path('/proc/self/clear_refs').write_text('5')  # VmHWM starts anew
        before = memory('VmRSS')
        frames, errors = read(path, threads, progress)
        pipe.send((frames, errors, memory('VmHWM') - before, memory('VmRSS')))


class Child:
    """The process that reads; another one follows one that died or hung."""

    def __init__(self, threads: int, log: str) -> None:
        self.threads, self.log, self.rss = threads, Path(log), 0
        self.process: Any = None

    def read(self, path: str, whole: int) -> Tuple[str, str, int, list]:
        """State, remarks, number of frames and errors."""
        if self.process is None:
            context = multiprocessing.get_context('spawn')
            self.pipe, end = context.Pipe()
            self.progress = RawArray('Q', 2)
            arguments = end, self.progress, self.threads, str(self.log)
            self.process = context.Process(target=serve, args=arguments, daemon=True)
            self.process.start()
            end.close()
        self.pipe.send(path)
        start = last = time.monotonic()
        done, state = self.progress[0], 'aborted'
        while not self.pipe.poll(1):
            if self.progress[0] != done:
                done, last = self.progress[0], time.monotonic()
            if time.monotonic() > min(last + STALL, start + LIMIT):
                os.kill(self.process.pid, signal.SIGABRT)  # shows where it was
                state = 'hung'
                break
        try:
            frames, errors, grown, self.rss = self.pipe.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            remarks = f'{CALLS[self.progress[1]]}, exit {self.process.exitcode}\n'
            self.process = None
            return state, remarks + self.log.read_text(errors='replace'), 0, []
        if grown > MEMORY:
            return 'over memory', f'{grown >> 20} MiB', frames, errors
        state = 'whole' if frames >= whole else 'in part' if frames else 'refused'
        return state, '', frames, errors


def make_all(pairs: List[str], folder: str, child: Child) -> Dict[str, list]:
    """Videos, and how many frames they have, of all pairs that can be made."""
    videos: Dict[str, list] = {}
    for pair in pairs:
        codec, suffix = pair.split('-')
        for rich in (False, True):
            path = f'{folder}/video.{suffix}'
            try:
                make_video(path, codec, rich)
                _, _, frames, errors = child.read(path, 1)
                if not frames:
                    raise ValueError(f'cannot be read, {errors[0]}')
                videos.setdefault(pair, []).append((Path(path).read_bytes(), frames))
            except Exception as error:
                print(f'no {"rich" if rich else "plain"} {pair}: {error}')
    return videos


@tool_main()
def main(argv: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--copies', type=int, default=3000, help='of all pairs together'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--pairs', nargs='+', default=PAIRS, choices=PAIRS, metavar='P')
    parser.add_argument('--threads', type=int, default=1, help='of the decoder')
    parser.add_argument('--keep', type=Path, help='folder for bad copies')
    args = parser.parse_args(argv)
    os.environ['SVT_LOG'] = '0'
    counts: Counter = Counter()
    raised: Counter = Counter()
    slowest = (0.0, '')
    with tempfile.TemporaryDirectory() as folder:
        child = Child(args.threads, f'{folder}/log')
        videos = make_all(args.pairs, folder, child)
        every = [data for made in videos.values() for data, _ in made]
        start = time.monotonic()
        for number in range(args.copies):
            pair = list(videos)[number % len(videos)]
            rng = random.Random(f'{args.seed} {pair} {number}')
            video, whole = rng.choice(videos[pair])
            path = Path(folder, f'{pair}-{args.seed}-{number}.{pair.split("-")[1]}')
            path.write_bytes(damage(video, rng.choice(every), rng))
            began = time.monotonic()
            state, remarks, _, errors = child.read(str(path), whole)
            slowest = max(slowest, (time.monotonic() - began, path.name))
            counts.update([(pair, state), ('all', state)])
            raised.update(errors)
            if remarks:
                print(f'{path.name}: {state}, {remarks}', flush=True)
                if args.keep:
                    args.keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, args.keep)
            path.unlink()
            if number % 1000 == 999:
                print(f'{number + 1} copies, {child.rss >> 20} MiB', file=sys.stderr)
        each = 1000 * (time.monotonic() - start) / args.copies
        print(child.log.read_text(errors='replace')[-2000:])
    print(f'{"":12}', *(f'{title:>11}' for title in ('copies', *STATES)))
    for pair in (*videos, 'all'):
        row = [counts[pair, state] for state in STATES]
        print(f'{pair:12}', *(f'{n:11}' for n in (sum(row), *row)))
    for (call, name), times in sorted(raised.items()):
        print(f'{times:7} in {call:8} {name}')
    print(f'{each:.1f} ms a copy; the slowest, {slowest[1]}, {slowest[0]:.1f} s')
    return int(counts['all', 'aborted'] + counts['all', 'hung'] > 0)


if __name__ == '__main__':
    sys.exit(main())
