"""Where in a sequence a token stands."""

import math

import torch
from torch import Tensor, nn

from .dropout import Dropout


def sine_code(phase: Tensor, channels: int) -> Tensor:
    """Sines in even channels, cosines in odd ones, of ``phase / 10000^(c / C)``.

    Args:
        phase (Tensor): (...) radians.
        channels (int): C, even; c is the even channel of a pair.

    Returns:
        Tensor: (..., C).

    Raises:
        ValueError: If the number of channels is odd.
    """
    if channels % 2:
        raise ValueError(
            f'a sine code needs an even number of channels, not {channels}'
        )
    even = torch.arange(0, channels, 2, device=phase.device, dtype=phase.dtype)
    angle = phase[..., None] / 10000 ** (even / channels)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)


def sine_position(lengths: Tensor, size: int, channels: int) -> Tensor:
    """Sinusoidal code of the relative position in a sequence.

    Position t = 1..N of a sequence of length N has the phase 2 pi t / N, so the code
    tells how much of the sequence has passed; the true length of each sample counts,
    not the padded one. Positions behind the end repeat the last one.

    Args:
        lengths (Tensor): (B,) true lengths N.
        size (int): T, positions to make, padding included.
        channels (int): C, even.

    Returns:
        Tensor: (B, T, C) float32.

    Raises:
        ValueError: If the number of channels is odd.
    """
    position = torch.arange(1, size + 1, device=lengths.device, dtype=torch.float32)
    lengths = lengths.float()[:, None]
    position = torch.minimum(position, lengths)
    return sine_code(2 * math.pi * position / (lengths + 1e-6), channels)


def sine_grid(side: int, channels: int) -> Tensor:
    """Sinusoidal code of places in a square, smooth over its whole width.

    A quarter of the channels each holds sines and cosines of x, and of y. The fastest
    wave has one period in the square, the slowest about a tenth of one, so that places
    nearby have codes alike and a linear map can read them.

    Args:
        side (int): Rows and columns.
        channels (int): C, a multiple of 4.

    Returns:
        Tensor: (side * side, C) float32, row by row.

    Raises:
        ValueError: If the channels cannot be cut in four.
    """
    if channels % 4:
        raise ValueError(f'a code of x and y needs 4 n channels, not {channels}')
    wave = 10 ** -(torch.arange(channels // 4) / (channels // 4))
    place = 2 * math.pi * (torch.arange(side) + 0.5) / side
    rows, columns = torch.meshgrid(place, place, indexing='ij')
    x, y = (axis.flatten()[:, None] * wave for axis in (columns, rows))
    return torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1)


class WordPosition(nn.Module):
    """Learned code of the place of a word, joined with the word itself.

    Args:
        channels (int): C.
        max_words (int): Longest query, tokens.
        dropout (float): Of the code, while training.
    """

    def __init__(self, channels: int, max_words: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(max_words, channels)
        self.norm = nn.LayerNorm(channels)
        self.dropout = Dropout(dropout)

    def forward(self, words: Tensor) -> Tensor:
        """Codes (B, L, C) of words (B, L, C).

        Raises:
            ValueError: If L is more than ``max_words``.
        """
        length, most = words.size(1), self.embedding.num_embeddings
        if length > most:
            raise ValueError(
                f'a query has {length} tokens, and the neck has max_words={most}: '
                'shorten the queries (encoding.query.max_words) or raise max_words'
            )
        return self.dropout(self.norm(words + self.embedding.weight[:length]))
