"""Where in a sequence a token stands."""

import math

import torch
from torch import Tensor


def sine_position(lengths: Tensor, size: int, channels: int) -> Tensor:
    """Sinusoidal code of the relative position in a sequence.

    Position t = 1..N of a sequence of length N has the phase 2 pi t / N, so the code
    tells how much of the sequence has passed; the true length of each sample counts,
    not the padded one. Even channels hold sines, odd ones cosines, of
    ``phase / 10000^(c / C)`` with c the even channel.

    Args:
        lengths (Tensor): (B,) true lengths N.
        size (int): T, positions to make, padding included.
        channels (int): C, even.

    Returns:
        Tensor: (B, T, C) float32.

    Raises:
        ValueError: If the number of channels is odd.
    """
    if channels % 2:
        raise ValueError(
            f'a sine code needs an even number of channels, not {channels}'
        )
    position = torch.arange(1, size + 1, device=lengths.device, dtype=torch.float32)
    phase = 2 * math.pi * position / (lengths.float()[:, None] + 1e-6)
    even = torch.arange(0, channels, 2, device=lengths.device, dtype=torch.float32)
    angle = phase[..., None] / 10000 ** (even / channels)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)
