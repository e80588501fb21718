"""Where a prompt looks in frames: attention to the patches, frozen against adapted.

    MMVTG_HOOKS=work_dirs/actprompt/epoch_10.pth python \
        tools/analysis_tools/prompt_attention.py CONFIG VIDEO --times 3 9 15 --out a.png

Draws the frames at the given seconds; below them the attention of the class token of
the frozen tower and that of the adapted tower's prompt, mean over heads and over
`--layers`, bright where it is high (each map has its own scale; the number is the
fraction of the attention that goes to patches). A ring marks the patch that the
temporal prompt takes from the last of these layers. The block `encoding` of CONFIG has
the hooks; their weights are those of `hook_weights`. The motion that they read comes
from the `store` of its stream, by the name of the video file, or else from its tower.
"""

import argparse
import os.path as osp
from typing import List, Sequence, Tuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from mmvtg.datasets.encoding_spec import (
    EncodingSpec,
    StreamSpec,
    learned_hooks,
    parse_encoding,
)
from mmvtg.encoding.cache import FeatureCache
from mmvtg.encoding.stream_encoder import StreamEncoder, fit_motion
from mmvtg.extraction.motion import MotionStore
from mmvtg.models.tower_hooks import RowRequest, TowerContext, TowerHook
from mmvtg.models.towers import CLIPVisionTower
from mmvtg.registry import MODELS, register_all_modules
from mmvtg.utils.launch import ConfigOptions, load_config
from mmvtg.utils.tool_main import tool_main
from mmvtg.video.clips import VideoItem

_INK = '#222222'


class ClassTokenRows(TowerHook):
    """Hands out what the class token looks at: (N, layers, P)."""

    def attention_rows(
        self, index: int, tokens: Tensor, context: TowerContext
    ) -> RowRequest:
        return RowRequest(0, slice(1, None))

    def after_layer(
        self, index: int, tokens: Tensor, rows: Tensor, context: TowerContext
    ) -> Tensor:
        context.scratch.setdefault('rows', []).append(rows)
        return tokens

    def after_layers(self, tokens: Tensor, context: TowerContext) -> Tensor:
        context.outputs['prompt_attention'] = torch.stack(context.scratch['rows'], 1)
        return tokens


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('video', help='video file')
    parser.add_argument('--times', type=float, nargs='+', required=True, help='seconds')
    parser.add_argument('--out', required=True, help='picture, .png')
    parser.add_argument(
        '--layers', type=int, nargs='+', help='from 1; default: the last half'
    )
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser.parse_args()


def look(tower: CLIPVisionTower, frames: Tensor, inputs: dict) -> Tuple[Tensor, ...]:
    """Attention (T, layers, P) and chosen patches (T, layers - 1), or None."""
    with torch.inference_mode():
        outputs = tower.encode(frames, inputs=inputs)[1].outputs
    return outputs['prompt_attention'], outputs.get('chosen_patches')


def draw_map(axis: Axes, frame: np.ndarray, attention: Tensor, chosen: int) -> None:
    """A frame in grey under its attention (P,); ``chosen`` < 0: no ring."""
    side = int(len(attention) ** 0.5)
    height, width = frame.shape[:2]
    extent = (0, width, height, 0)
    axis.imshow(frame.mean(axis=2), cmap='gray', vmin=-120, vmax=255, extent=extent)
    heat = attention.reshape(side, side).numpy()
    axis.imshow(heat, cmap='inferno', alpha=0.72, extent=extent)
    axis.set_title(f'{100 * float(attention.sum()):.0f} %', size=9, color=_INK, pad=3)
    if chosen >= 0:
        x, y = chosen % side + 0.5, chosen // side + 0.5
        spot = (x * width / side, y * height / side)
        axis.plot(*spot, 'o', mfc='none', mec='#56B4E9', ms=11, mew=2)


def draw(
    frames: np.ndarray,
    times: Sequence[float],
    rows: List[Tuple[str, Tensor, List[int]]],
    path: str,
) -> None:
    """One column a frame, one row a tower.

    Args:
        frames (ndarray): (T, H, W, 3) uint8.
        times (Sequence[float]): (T,) s.
        rows (list[tuple]): Name, attention (T, P), chosen patches (T,), -1 for none.
        path (str): Picture.
    """
    size = (1.2 + 1.7 * len(times), 0.3 + 1.95 * (1 + len(rows)))
    figure = Figure(figsize=size, dpi=110, facecolor='white', layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.subplots(1 + len(rows), len(times), squeeze=False)
    for column, (frame, time) in enumerate(zip(frames, times)):
        grid[0, column].imshow(frame)
        grid[0, column].set_title(f'{time:g} s', size=10, color=_INK)
        for row, (_, attention, chosen) in enumerate(rows, start=1):
            draw_map(grid[row, column], frame, attention[column], chosen[column])
    for row, name in enumerate(['frame', *(name for name, _, _ in rows)]):
        grid[row, 0].set_ylabel(name, size=10, color=_INK)
    for axis in grid.flat:
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_visible(False)
    figure.savefig(path)


def adapted_stream(spec: EncodingSpec) -> StreamSpec:
    """Return the stream whose tower has learned hooks."""
    found = [
        stream
        for stream in spec.streams.values()
        if stream.tower is not None and learned_hooks(stream.tower)
    ]
    if len(found) != 1 or not isinstance(spec.fps, (int, float)):
        raise ValueError(
            'the block `encoding` of the config must have one stream whose tower has '
            f'learned hooks, and fps; got {len(found)} and fps = {spec.fps!r}'
        )
    return found[0]


def read_motion(spec: EncodingSpec, name: str, path: str, length: int) -> Tensor:
    """Return the features (length, V) of a stream of motion."""
    stream = spec.streams[name]
    if stream.store is not None:
        store = MotionStore(stream.store, stream.file_name, resample=stream.resample)
        return store.read(osp.splitext(osp.basename(path))[0], length)
    tower = MODELS.build(stream.tower).eval()
    rows = StreamEncoder(stream, tower, spec.fps, FeatureCache(0)).open(path).whole()
    return torch.from_numpy(fit_motion(rows, length, path))


@tool_main(also=(ValueError,))
def main() -> None:
    args = parse_args()
    register_all_modules()
    cfg = load_config(args.config, args.cfg_options)
    spec = parse_encoding(cfg.get('encoding') or {})
    stream = adapted_stream(spec)
    with stream.source(spec.fps).open(VideoItem(None, args.video)) as reader:
        frames, inputs = torch.from_numpy(reader.read(0, len(reader))), {}
    if stream.motion is not None:
        motion = read_motion(spec, stream.motion, args.video, len(frames))
        inputs['motion'] = motion
    adapted = MODELS.build(stream.tower).eval()
    clips = [int(time * spec.fps) for time in args.times]
    if not all(0 <= clip < len(frames) for clip in clips):
        last = len(frames) / spec.fps
        raise SystemExit(f'prompt_attention: {args.video} has {last:g} s')
    depth = adapted.num_layers
    layers = [n - 1 for n in args.layers or range(depth // 2 + 1, depth + 1)]
    if not all(0 <= layer < depth for layer in layers):
        raise SystemExit(f'prompt_attention: layers are 1 to {depth}')
    plain = {key: stream.tower[key] for key in ('model', 'pretrained')}
    frozen = CLIPVisionTower(**plain).eval()
    frozen.hooks.append(ClassTokenRows())
    rows = []
    names = ('class token,\nfrozen', 'prompt,\nadapted')
    for title, tower, given in zip(names, (frozen, adapted), ({}, inputs)):
        attention, chosen = look(tower, frames, given)
        places = [-1] * len(clips)
        if chosen is not None:
            places = chosen[clips, min(layers[-1], depth - 2)].tolist()
        rows.append((title, attention[clips][:, layers].mean(dim=1), places))
    shown = frames[clips].permute(0, 2, 3, 1).numpy()
    draw(shown, args.times, rows, args.out)


if __name__ == '__main__':
    main()
