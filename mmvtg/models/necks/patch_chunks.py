"""Work on a few frames at a time: slices and scratch memory."""

from typing import Iterator, List, Optional, Tuple

import torch
from torch import Tensor

# Rows (patches) that are worked on at once: what stays in the cache of a CPU core, or
# fills a GPU without holding much of its memory.
_ROWS = {'cpu': 1024, 'cuda': 1 << 17}

Chunk = Tuple[slice, slice]


def chunks(tokens: Tensor) -> Iterator[Chunk]:
    """Slices over samples and frames with about ``_ROWS`` patches each."""
    batch, clips, patches, _ = tokens.shape
    rows = _ROWS.get(tokens.device.type, _ROWS['cuda'])
    samples = max(1, rows // (clips * patches))
    frames = clips if samples > 1 else max(1, rows // patches)
    for i in range(0, batch, samples):
        for j in range(0, clips, frames):
            yield slice(i, min(i + samples, batch)), slice(j, min(j + frames, clips))


class Gather:
    """Joins tokens and what their frame shares, in memory that all chunks use."""

    def __init__(
        self, tokens: Tensor, extra: Optional[Tensor], dtype: torch.dtype
    ) -> None:
        self.tokens, self.extra = tokens, extra
        self.width = tokens.size(-1) + (0 if extra is None else extra.size(-1))
        self.buffer = tokens.new_empty(0, dtype=dtype)

    def __call__(self, chunk: Chunk) -> Tensor:
        """(b, t, P, D + E)."""
        tokens = self.tokens[chunk]
        size = tokens[..., 0].numel() * self.width
        if self.buffer.numel() < size:
            self.buffer = self.buffer.new_empty(size)
        joined = self.buffer[:size].view(*tokens.shape[:-1], self.width)
        joined[..., : tokens.size(-1)] = tokens
        if self.extra is not None:
            joined[..., tokens.size(-1) :] = self.extra[chunk].unsqueeze(2)
        return joined


class Kept:
    """What the backward pass needs: r, the attention, both masks.

    One allocation for all chunks each, so that what stays does not lie scattered among
    what goes. Without gradients one chunk's memory serves all.
    """

    def __init__(
        self,
        tokens: Tensor,
        keys: Tensor,
        width: int,
        threshold: int,
        needs_grad: bool,
    ) -> None:
        self.chunked = not needs_grad
        shape = tokens.shape[:3]
        if self.chunked:
            shape = tokens[next(chunks(tokens))].shape[:3]

        def empty(channels: int, dtype: torch.dtype) -> Tensor:
            return tokens.new_empty(*shape, channels, dtype=dtype)

        words, channels = keys.shape[1:]
        self.tensors: List[Optional[Tensor]] = [
            empty(channels, keys.dtype),
            empty(words, keys.dtype),
            empty(width, torch.bool) if threshold else None,
            empty(channels, torch.bool) if threshold else None,
        ]

    def buffers(self, chunk: Chunk) -> List[Optional[Tensor]]:
        if self.chunked:
            chunk = tuple(slice(0, part.stop - part.start) for part in chunk)
        return [None if kept is None else kept[chunk] for kept in self.tensors]
