"""Convolutions over a 2D map of which only some cells are there."""

from typing import Dict, List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Floats of gathered neighbourhoods that are held at a time (16 MB, so that they are
#: still in the cache when they are multiplied), and cells at least: a matrix product of
#: few rows would read the weights too often.
_CHUNK_FLOATS = 1 << 22
_CHUNK_CELLS = 256


def gather_matmul(x: Tensor, index: Tensor, matrix: Tensor) -> Tensor:
    """Multiply the neighbourhood of each cell with a matrix.

    Args:
        x (Tensor): (V, A, C), A cells.
        index (Tensor): (O, K) int, the K neighbours of O cells; A stands for none.
        matrix (Tensor): (K * C, H).

    Returns:
        Tensor: (V, O, H).
    """
    out = x.new_empty(len(x), len(index), matrix.size(1))
    for cells, rows, picked in _chunks(x, index):
        torch.mm(picked, matrix, out=out[cells, rows])
    return out


def _chunks(x: Tensor, index: Tensor):
    """Yield (video, rows of ``index``, neighbourhoods (rows, K * C)).

    The next step overwrites the neighbourhoods.
    """
    size = max(_CHUNK_CELLS, _CHUNK_FLOATS // (index.size(1) * x.size(2)))
    size = min(size, len(index))
    # one buffer for all: freed and taken again, large blocks tear memory to pieces
    buffer = x.new_empty(size * index.size(1), x.size(2))
    for video, cells in enumerate(x):
        cells = F.pad(cells, (0, 0, 0, 1))  # the last row is "none"
        for start in range(0, len(index), size):
            part = index[start : start + size]
            picked = buffer[: part.numel()]
            torch.index_select(cells, 0, part.flatten(), out=picked)
            yield video, slice(start, start + len(part)), picked.view(len(part), -1)


class _CellConv(torch.autograd.Function):
    """:func:`gather_matmul` that gathers again in the backward pass."""

    @staticmethod
    def forward(ctx, x, weight, index, back_index):
        ctx.save_for_backward(x, weight, index, back_index)
        return gather_matmul(x, index, _as_matrix(weight))

    @staticmethod
    def backward(ctx, grad):
        x, weight, index, back_index = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            # who read a cell: a convolution with input and output swapped
            grad_x = gather_matmul(grad, back_index, _as_matrix(weight.transpose(0, 1)))
        if ctx.needs_input_grad[1]:
            matrix = grad.new_zeros(index.size(1) * x.size(2), grad.size(2))
            for video, rows, picked in _chunks(x, index):
                matrix.addmm_(picked.t(), grad[video, rows])
            sides = weight.shape[2:]
            grad_weight = matrix.view(*sides, x.size(2), -1).permute(3, 2, 0, 1)
        return grad_x, grad_weight, None, None


def _as_matrix(weight: Tensor) -> Tensor:
    """Weight (H, C, k, k) of a convolution as (k * k * C, H)."""
    return weight.permute(2, 3, 1, 0).reshape(-1, weight.size(0))


class CellConvStack(nn.Module):
    """Convolution, batch norm and ReLU over the used cells of a map, several times.

    Computes what MMN's masked convolutions compute on the whole (N, N) map, for the
    cells alone that may differ from nothing. Only the first layer pads, by so much
    that the last one ends at N x N; between them cells outside of the map carry
    values. After each layer a cell is divided by the number of its neighbours that
    were there; those that had one are there for the next layer. In evaluation mode,
    cells on which no used cell depends are left out, too.

    Batch statistics are those of the whole map: where no neighbour is there, a
    convolution gives its bias, and these cells are counted.

    It computes in the type of its parameters whatever the autocast around it.

    Args:
        mask (Tensor): (N, N) bool, the used cells; S of them.
        in_channels (int): C.
        channels (int): H.
        kernel_size (int): k of all layers, odd.
        num_layers (int): Layers.

    Raises:
        ValueError: If the kernel is even.
    """

    def __init__(
        self,
        mask: Tensor,
        in_channels: int,
        channels: int,
        kernel_size: int,
        num_layers: int,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size is {kernel_size}, want an odd number')
        widths = [in_channels, *[channels] * (num_layers - 1)]
        # modules that hold the parameters; their forward is not used
        self.convs = nn.ModuleList(
            nn.Conv2d(width, channels, kernel_size) for width in widths
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in widths)
        self.sizes: List[int] = []
        for mode, plan in plan_cells(mask, kernel_size, num_layers).items():
            for layer, tables in enumerate(plan):
                for name, table in tables.items():
                    key = f'{mode}_{name}_{layer}'
                    self.register_buffer(key, table, persistent=False)
        pad = (kernel_size - 1) * num_layers // 2
        for layer in range(num_layers):
            self.sizes.append(len(mask) + 2 * pad - (layer + 1) * (kernel_size - 1))

    def forward(self, x: Tensor) -> Tensor:
        """(V, S, C) to (V, S, H)."""
        mode = 'all' if self.training else 'needed'
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.convs[0].weight.dtype)
            for layer, (conv, norm) in enumerate(zip(self.convs, self.norms)):
                index, back, count = (
                    getattr(self, f'{mode}_{name}_{layer}')
                    for name in ('index', 'back', 'count')
                )
                x = _CellConv.apply(x, conv.weight, index, back) + conv.bias
                x = self._norm(norm, x, conv.bias, self.sizes[layer]).relu()
                x = x / count[:, None]
            last = getattr(self, f'{mode}_used_{layer}')
            return x[:, last]

    def _norm(self, norm: nn.BatchNorm2d, x: Tensor, bias: Tensor, size: int) -> Tensor:
        """Batch norm of the cells ``x`` (V, A, H) of maps of ``size`` x ``size``."""
        if not self.training:
            mean, var = norm.running_mean, norm.running_var
        else:
            total = len(x) * size * size
            rest = total - len(x) * x.size(1)
            mean = (x.sum((0, 1)) + rest * bias) / total
            square = (x - mean).square().sum((0, 1)) + rest * (bias - mean).square()
            var = square / total
            with torch.no_grad():
                norm.num_batches_tracked += 1
                norm.running_mean.lerp_(mean, norm.momentum)
                unbiased = square / max(total - 1, 1)
                norm.running_var.lerp_(unbiased, norm.momentum)
        return (x - mean) * (var + norm.eps).rsqrt() * norm.weight + norm.bias


def plan_cells(
    mask: Tensor, kernel_size: int, num_layers: int
) -> Dict[str, List[Dict[str, Tensor]]]:
    """Who is whose neighbour in each layer of :class:`CellConvStack`.

    Args:
        mask (Tensor): (N, N) bool.
        kernel_size (int): k.
        num_layers (int): Layers.

    Returns:
        dict: ``all`` cells that differ from nothing, and those of them that are
        ``needed`` for the used ones: for each layer ``index`` (O, k * k) int32 into the
        cells before it, ``back`` (A, k * k) int32 the other way round, ``count`` (O,)
        neighbours that are there; of the last layer ``used`` (S,).
    """
    counts, present = _count_neighbours(mask, kernel_size, num_layers)
    needed = [mask]
    ones = torch.ones(1, 1, kernel_size, kernel_size)
    for there in reversed(present[:-1]):
        read = F.conv_transpose2d(needed[0].float()[None, None], ones)[0, 0] > 0
        needed.insert(0, read & there)
    plans = {}
    for mode, cells in (('all', present), ('needed', needed)):
        plans[mode] = [
            dict(
                zip(('index', 'back'), _link(before, after, kernel_size)),
                count=count[after],
            )
            for before, after, count in zip(cells, cells[1:], counts)
        ]
        plans[mode][-1]['used'] = _number(cells[-1])[mask].long()
    return plans


def _count_neighbours(
    mask: Tensor, kernel_size: int, num_layers: int
) -> Tuple[List[Tensor], List[Tensor]]:
    """Neighbours of each cell by layer, and which cells are there before and after."""
    ones = torch.ones(1, 1, kernel_size, kernel_size)
    present = [F.pad(mask, [(kernel_size - 1) * num_layers // 2] * 4)]
    counts = []
    for _ in range(num_layers):
        count = F.conv2d(present[-1].float()[None, None], ones)[0, 0].round()
        counts.append(count)
        present.append(count > 0)
    return counts, present


def _number(cells: Tensor) -> Tensor:
    """Number the True cells of a map row by row; the others get their count."""
    numbers = torch.full(cells.shape, int(cells.sum()), dtype=torch.int32)
    numbers[cells] = torch.arange(int(cells.sum()), dtype=torch.int32)
    return numbers


def _link(before: Tensor, after: Tensor, kernel_size: int) -> Tuple[Tensor, Tensor]:
    """``index`` and ``back`` of :func:`plan_cells` from the cells of two maps."""
    windows = _number(before).unfold(0, kernel_size, 1).unfold(1, kernel_size, 1)
    index = windows[after].flatten(1)
    number = int(before.sum())
    back = torch.full((number + 1, index.size(1)), len(index), dtype=torch.int32)
    rows = torch.arange(len(index), dtype=torch.int32)[:, None].expand_as(index)
    places = torch.arange(index.size(1))[None].expand_as(index)
    back[index.long(), places] = rows
    return index.contiguous(), back[:number].contiguous()
