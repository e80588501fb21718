"""Samples of a batch that ask the same video."""

from typing import Optional

from torch import Tensor


class Sharing:
    """Brings words of samples to the rows of videos and what came of it back.

    The words of all queries of a video are laid side by side, so that its patches are
    looked at once. Without owners all three methods hand back what they get.

    Args:
        owners (Tensor, optional): (B,) int64, the video of each sample.
        num_videos (int): V.
    """

    def __init__(self, owners: Optional[Tensor], num_videos: int) -> None:
        self.owners, self.num_videos = owners, num_videos
        if owners is None:
            return
        earlier = (owners[:, None] == owners).tril(-1)
        self.place = earlier.sum(1)
        self.most = int(self.place.max()) + 1

    def spread(self, x: Tensor) -> Tensor:
        """(V, ...) to (B, ...)."""
        return x if self.owners is None else x[self.owners]

    def gather(self, words: Tensor) -> Tensor:
        """(B, L, C) to (V, Q * L, C), Q queries a video at most, zeros at the end."""
        if self.owners is None:
            return words
        size = (self.num_videos, self.most, *words.shape[1:])
        places = (self.owners, self.place)
        return words.new_zeros(size).index_put(places, words).flatten(1, 2)

    def scatter(self, pooled: Tensor, num_words: int) -> Tensor:
        """(V, T, Q * L, C) to (B, T, L, C) for L = ``num_words``."""
        if self.owners is None:
            return pooled
        by_query = pooled.unflatten(2, (self.most, num_words))
        return by_query.transpose(1, 2)[self.owners, self.place]
