"""The proposal map of MMN cell by cell against the whole map.

    python tools/benchmarks/mmn.py --width 128

For the maps of 64 x 64 (ActivityNet Captions) and 128 x 128 (TACoS) with the authors'
convolutions: CPU time (median of `--repeats`) and peak memory of a training step and of
inference, both ways in turns, each in its own process, and what the cells take as a
share of the whole map's. Both ways must give the same numbers, or the tool fails.
`--count` only counts multiplications, as shares of the whole map's.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvtg.models.layers import CellConvStack
from mmvtg.models.necks.proposal_map import range_max
from mmvtg.models.task_modules import ProposalGrid
from mmvtg.utils.tool_main import tool_main

#: N, counts, kernel size, layers
MAPS = {
    16: (16, [15], 5, 8),
    64: (64, [15, 8, 8], 9, 4),
    128: (128, [15, 8, 8, 8], 5, 8),
}


def dense_map(clips: Tensor, mask: Tensor) -> Tensor:
    """Maximum over clips i to j at (i, j) of (V, C, N, N), 0 at unused cells."""
    clips = clips.transpose(1, 2)
    rows = []
    for start in range(clips.size(2)):
        best = clips[:, :, start:].cummax(2).values
        rows.append(F.pad(best, (start, 0)))
    return torch.stack(rows, dim=2) * mask


def dense_conv(stack: CellConvStack, grid: Tensor, mask: Tensor) -> Tensor:
    """:class:`CellConvStack` on the whole map (V, C, N, N), as MMN is written."""
    valid = mask[None, None].to(grid.dtype)
    kernel = stack.convs[0].kernel_size[0]
    pad = (kernel - 1) * len(stack.convs) // 2
    ones = valid.new_ones(1, 1, kernel, kernel)
    for conv, norm in zip(stack.convs, stack.norms):
        grid = norm(F.conv2d(grid, conv.weight, conv.bias, padding=pad))
        count = F.conv2d(valid, ones, padding=pad).round()
        valid, pad = (count > 0).to(grid.dtype), 0
        grid = grid.relu() * torch.where(count > 0, 1 / count.clamp(min=1), 0 * count)
    return grid


def build(
    size: int, width: int, videos: int
) -> Tuple[ProposalGrid, CellConvStack, Tensor]:
    """Grid, convolutions and clips (V, N, C) of a map."""
    torch.manual_seed(0)
    num_clips, counts, kernel, layers = MAPS[size]
    grid = ProposalGrid(num_clips, counts)
    stack = CellConvStack(grid.mask, width, width, kernel, layers)
    return grid, stack, torch.randn(videos, num_clips, width)


def run(way: str, mode: str, size: int, width: int, videos: int) -> dict:
    """CPU seconds, peak MiB above the start, and a checksum."""
    grid, stack, clips = build(size, width, videos)
    stack.train(mode == 'train')
    forget_peak()
    before, start = memory('VmRSS'), time.process_time()
    with torch.set_grad_enabled(mode == 'train'):
        if way == 'dense':
            out = dense_conv(stack, dense_map(clips, grid.mask), grid.mask)
            out = out[:, :, grid.mask].transpose(1, 2)
        else:
            out = stack(range_max(clips, grid.cells))
        if mode == 'train':
            out.square().mean().backward()
    seconds = time.process_time() - start
    return dict(
        seconds=seconds, mib=memory('VmHWM') - before, checksum=out.abs().mean().item()
    )


def count(size: int) -> str:
    """Multiplications of the convolutions as shares of the whole map's."""
    _, stack, _ = build(size, 1, 1)
    kernel = stack.convs[0].kernel_size[0]
    whole = sum((side * kernel) ** 2 for side in stack.sizes)
    parts = []
    for mode in ('all', 'needed'):
        layers = range(len(stack.sizes))
        tables = [
            [getattr(stack, f'{mode}_{name}_{layer}') for name in ('index', 'back')]
            for layer in layers
        ]
        pairs = sum(int((index < len(back)).sum()) for index, back in tables)
        gathered = sum(index.numel() for index, _ in tables)
        parts.append(f'{pairs / whole:.2f} ({gathered / whole:.2f} gathered)')
    return f'N = {size:3} training {parts[0]}, inference {parts[1]}'


def memory(field: str) -> float:
    """Memory of this process, MiB: ``VmRSS`` now, ``VmHWM`` the peak (Linux)."""
    lines = Path('/proc/self/status').read_text().splitlines()
    line = next(line for line in lines if line.startswith(field))
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Let the peak be what is in use now: making the tables took memory, too."""
    Path('/proc/self/clear_refs').write_text('5')


@tool_main()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--sizes', type=int, nargs='+', default=[64, 128])
    parser.add_argument('--width', type=int, default=128, help='channels')
    parser.add_argument('--videos', type=int, default=1)
    parser.add_argument('--repeats', type=int, default=3, help='(%(default)s)')
    parser.add_argument('--count', action='store_true', help='no measurement')
    parser.add_argument('--one', nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.one:
        print(json.dumps(run(*args.one, args.sizes[0], args.width, args.videos)))
        return
    if args.count:
        print(*map(count, sorted(MAPS)), sep='\n')
        return
    for size in args.sizes:
        for mode in ('train', 'predict'):
            print(compare(args, mode, size), flush=True)


def compare(args: argparse.Namespace, mode: str, size: int) -> str:
    """Both ways of one map, a line."""
    found = [
        {way: measure(args, way, mode, size) for way in ('dense', 'sparse')}
        for _ in range(args.repeats)
    ]
    dense, sparse = (
        {
            key: statistics.median(both[way][key] for both in found)
            for key in ('seconds', 'mib', 'checksum')
        }
        for way in ('dense', 'sparse')
    )
    if abs(dense['checksum'] / sparse['checksum'] - 1) > 1e-4:
        sys.exit(f'N = {size}, {mode}: both ways differ: {found}')
    cells = ', '.join(
        f'{way} {one["seconds"]:.2f} s {one["mib"]:.0f} MiB'
        for way, one in (('dense', dense), ('sparse', sparse))
    )
    time_share, memory_share = (sparse[k] / dense[k] for k in ('seconds', 'mib'))
    return (
        f'N = {size:3} {mode:7} {cells}, '
        f'share {time_share:.2f} of the time, {memory_share:.2f} of the memory'
    )


def measure(args: argparse.Namespace, way: str, mode: str, size: int) -> dict:
    """:func:`run` in a process of its own."""
    command = [sys.executable, __file__, '--one', way, mode, '--sizes', str(size)]
    command += ['--width', str(args.width), '--videos', str(args.videos)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


if __name__ == '__main__':
    main()
