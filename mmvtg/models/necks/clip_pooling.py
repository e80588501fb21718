"""From clips of any number to the N clips of a map."""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def average_clips(clips: Tensor, mask: Tensor, size: int) -> Tensor:
    """Average each video to the same number of clips, as MMN's authors do.

    Edges of bins are ``round(i / size * n)`` of n real clips, and at most n - 1: a bin
    of several clips at the end leaves the last one out. A bin without a clip takes the
    one at its edge, so short videos repeat clips.

    Args:
        clips (Tensor): (V, T, C).
        mask (Tensor): (V, T) bool, at least one True each; real clips come first.
        size (int): Clips to make.

    Returns:
        Tensor: (V, size, C).
    """
    count = mask.sum(1, keepdim=True)
    share = torch.arange(size + 1, device=clips.device, dtype=torch.float32) / size
    edges = torch.minimum((share * count).round().long(), count - 1)
    first = edges[:, :-1, None]
    behind = torch.maximum(edges[:, 1:, None], first + 1)
    time = torch.arange(clips.size(1), device=clips.device)
    inside = ((time >= first) & (time < behind)).to(clips.dtype)
    return (inside @ clips) / (behind - first).to(clips.dtype)


class ClipPooling(nn.Module):
    """Unit length, average to F clips, a projection, average to N clips (MMN).

    Args:
        in_channels (int): C.
        channels (int, optional): H of the projection, which a ReLU follows; None: none,
            so that the features of an image-text model stay what they are (VDI).
        num_frames (int): F, a multiple of N.
        num_clips (int): N.

    Raises:
        ValueError: If F is no multiple of N.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Optional[int],
        num_frames: int,
        num_clips: int,
    ) -> None:
        super().__init__()
        if num_frames % num_clips:
            raise ValueError(
                f'num_frames = {num_frames} is no multiple of num_clips = {num_clips}'
            )
        self.num_frames = num_frames
        self.stride = num_frames // num_clips
        self.proj = None if channels is None else nn.Linear(in_channels, channels)

    def forward(self, clips: Tensor, mask: Tensor) -> Tensor:
        """(V, T, C) with mask (V, T) to (V, N, H)."""
        unit = F.normalize(clips, dim=-1)
        return self.pool(average_clips(unit, mask, self.num_frames))

    def pool(self, frames: Tensor) -> Tensor:
        """(V, F, C) to (V, N, H)."""
        if self.proj is not None:
            frames = self.proj(frames).relu()
        return frames.unflatten(1, (-1, self.stride)).mean(2)
