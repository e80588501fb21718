"""What all processes have, where each learns from its own part."""

import hashlib
from typing import Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor


class _Gather(torch.autograd.Function):
    """Rows of all processes; the gradient is that of the own ones.

    Every process computes the same loss from the gathered rows, so each knows the
    gradient of its rows without asking. It is multiplied by the number of processes,
    by which DDP divides.
    """

    @staticmethod
    def forward(ctx, x):
        counts = [int(n) for n in all_gather(torch.tensor([len(x)], device=x.device))]
        ctx.start = sum(counts[: get_rank()])
        ctx.count = len(x)
        padded = F.pad(x, [0, 0] * (x.dim() - 1) + [0, max(counts) - len(x)])
        parts = all_gather(padded.contiguous())
        return torch.cat([part[:count] for part, count in zip(parts, counts)])

    @staticmethod
    def backward(ctx, grad):
        own = grad[ctx.start : ctx.start + ctx.count]
        return own * get_world_size()


def gather_rows(x: Tensor) -> Tensor:
    """Rows of all processes in the order of ranks; they may have different numbers.

    The loss that is made of them has to be the same in all processes (see
    :class:`_Gather`), and the gradients to be averaged over them, as DDP does.

    Args:
        x (Tensor): (N, ...), N of each process its own, the rest alike.

    Returns:
        Tensor: (sum of N, ...).
    """
    return x if get_world_size() == 1 else _Gather.apply(x)


def gather_videos(
    owners: Tensor, video_ids: Sequence[str], proposals: Tensor
) -> Tuple[Tensor, Tensor]:
    """Moments of the videos of all processes, a video that several have but once.

    Args:
        owners (Tensor): (B,) int64, the row of each query's video.
        video_ids (Sequence[str]): B, of the queries' videos.
        proposals (Tensor): (V, ...), each of V videos has a query.

    Returns:
        tuple[Tensor, Tensor]: Owners of all queries, proposals of all videos.
    """
    counts = all_gather(torch.tensor([len(proposals)], device=owners.device))
    before = sum(int(n) for n in counts[: get_rank()])
    names = owners.new_zeros(len(proposals))
    names[owners] = torch.tensor([_number(i) for i in video_ids], device=names.device)
    names, proposals = gather_rows(names), gather_rows(proposals)
    unique, rows = names.unique(return_inverse=True)
    first = torch.full_like(unique, len(names)).scatter_reduce(
        0, rows, torch.arange(len(names), device=names.device), 'amin'
    )
    return rows[gather_rows(owners + before)], proposals[first]


def _number(name: str) -> int:
    """63 bits of a hash: the same in every process."""
    return int.from_bytes(hashlib.md5(str(name).encode()).digest()[:8], 'big') >> 1


def gather_ragged(x: Tensor) -> Tensor:
    """As :func:`gather_rows` for (B, N, ...) with another N in each process.

    Rows with fewer repeat their first column.
    """
    widths = all_gather(torch.tensor([x.size(1)], device=x.device))
    missing = max(int(n) for n in widths) - x.size(1)
    return gather_rows(torch.cat([x, x[:, :1].repeat_interleave(missing, 1)], dim=1))
