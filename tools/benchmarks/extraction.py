"""Speed of feature extraction, and of its halves alone.

    python tools/benchmarks/extraction.py --videos data/moving_shapes/demo/videos
    python tools/benchmarks/extraction.py --videos DIR --config CONFIG --num-workers 8
    # the time of CLIP ViT-B/32 without its weights
    python tools/benchmarks/extraction.py --videos DIR --fps 0.5 \\
        --config configs/_base_/features/clip_b32.py \\
        --cfg-options encoding.streams.video.tower.pretrained=None

One after the other: decode only, encode only (random frames), the whole pipeline into a
pack, and the two-stage way (write the frames of a video, then encode them). The
pipeline cannot be faster than the slower half; where decoder and tower share the same
cores it cannot be faster than both together, either. Both bounds are shown. CPU time
counts all processes; on a busy machine trust it and not the wall time.
"""

import argparse
import os
import os.path as osp
import tempfile
from collections import defaultdict
from typing import Dict, List

import numpy as np
import torch
from cpu_time import Stopwatch
from mmengine.logging import MMLogger

from mmvtg.datasets.encoding_spec import parse_encoding
from mmvtg.extraction import FeatureExtractor
from mmvtg.extraction.planning import JobPlanner
from mmvtg.extraction.work_list import list_videos
from mmvtg.registry import register_all_modules
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main
from mmvtg.video.clips import VideoItem
from mmvtg.video.decoding import Failed
from mmvtg.video.processes import decode_all

FEATURES = osp.join(osp.dirname(__file__), '../../configs/_base_/features')
CONFIG = osp.join(FEATURES, 'tiny_clip_k4.py')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--videos', required=True, help='folder or list of videos')
    parser.add_argument('--config', default=CONFIG, help='has a block `encoding`')
    parser.add_argument('--stream', help='default: the first with a tower')
    parser.add_argument('--num-videos', type=int, default=40)
    parser.add_argument('--num-workers', type=int, default=2)
    parser.add_argument('--fps', type=float, default=1.0, help='clips per second')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--autocast', choices=('float16', 'bfloat16'))
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser.parse_args()


def decode_only(extractor: FeatureExtractor, items: List[VideoItem]) -> int:
    clips = 0
    for event in decode_all(items, extractor.source, extractor.num_workers, 64):
        if isinstance(event, Failed):
            raise SystemExit(event.reason)
        clips += len(event.frames)
    return clips


@torch.inference_mode()
def encode_only(extractor: FeatureExtractor, clips: int) -> int:
    size = max(1, extractor.batch_frames // extractor.source.frames_per_clip)
    frames = torch.randint(0, 256, (size, *extractor.source.clip_shape)).byte()
    encode, done = extractor._frame_encoder(), 0
    while done < clips:
        encode(frames)
        done += size
    return done


def pipeline(extractor: FeatureExtractor, items: List[VideoItem], folder: str) -> int:
    report = extractor.extract_videos(items, folder, False, layout='pack')
    return report.clips


@torch.inference_mode()
def two_stages(extractor: FeatureExtractor, items: List[VideoItem], folder: str) -> int:
    """Frames to files, then files to features, a video at a time."""
    clips, frames, encode = 0, defaultdict(list), extractor._frame_encoder()
    for event in decode_all(items, extractor.source, extractor.num_workers, 64):
        name = event.item.video_id
        frames[name].append(event.frames)
        clips += len(event.frames)
        if sum(map(len, frames[name])) == event.total:
            whole = np.concatenate(frames.pop(name))
            np.save(osp.join(folder, f'{name}.frames.npy'), whole)
    for item in items:
        path = osp.join(folder, f'{item.video_id}.frames.npy')
        rows = encode(torch.from_numpy(np.load(path)))
        np.save(osp.join(folder, f'{item.video_id}.npy'), rows.numpy())
        os.unlink(path)
    return clips


def measure(args: argparse.Namespace) -> Dict[str, tuple]:
    """Name -> (clips, wall s, CPU s)."""
    cfg = load_config(args.config, args.cfg_options)
    spec = parse_encoding(cfg.encoding.to_dict())
    common = dict(
        num_workers=args.num_workers, device=args.device, autocast=args.autocast
    )
    names = [args.stream] if args.stream else None
    (job, *_) = JobPlanner(spec, common, names, fps=args.fps).of_videos([], '')
    extractor = FeatureExtractor(**job.settings, fps=args.fps)
    videos = list_videos(args.videos)[: args.num_videos]
    items = [VideoItem(name.replace('/', '_'), path) for name, path in videos]
    total = decode_only(extractor, items[:2])  # starts what is started once
    encode_only(extractor, total)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, run in (
            ('decode only', lambda: decode_only(extractor, items)),
            ('encode only', lambda: encode_only(extractor, rows['decode only'][0])),
            ('pipeline', lambda: pipeline(extractor, items, osp.join(folder, 'pack'))),
            ('two stages', lambda: two_stages(extractor, items, folder)),
        ):
            with Stopwatch() as watch:
                clips = run()
            rows[name] = (clips, watch.wall, watch.cpu)
            print(f'{name}: {clips} clips in {watch.wall:.1f} s', flush=True)
    return rows


@tool_main()
def main() -> None:
    args = parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')
    register_all_modules()
    rows = measure(args)
    print('\n| | clips/s | CPU ms a clip |\n| --- | ---: | ---: |')
    speed = {name: clips / wall for name, (clips, wall, _) in rows.items()}
    cost = {name: 1000 * cpu / clips for name, (clips, _, cpu) in rows.items()}
    for name in rows:
        print(f'| {name} | {speed[name]:.1f} | {cost[name]:.2f} |')
    halves = 'decode only', 'encode only'
    slower = min(speed[half] for half in halves)
    both = sum(cost[half] for half in halves)
    print(
        f'\npipeline / slower half {speed["pipeline"] / slower:.2f} (wall), '
        f'pipeline / two stages {speed["pipeline"] / speed["two stages"]:.2f} (wall), '
        f'decode + encode / pipeline {both / cost["pipeline"]:.2f} (CPU: what is left '
        'when everything shares the same cores)'
    )


if __name__ == '__main__':
    main()
