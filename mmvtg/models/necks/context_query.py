"""Context-query attention (VSLNet), TR-DETR's visual feature refinement."""

import torch
from torch import Tensor, nn

from mmvtg.models.layers import AttentionPooling, Dropout


class ContextQueryFusion(nn.Module):
    """Clips and words are compared both ways; each clip gets what it answers to.

    With similarity S, its softmax A over words and B over clips: the words that a clip
    sees, A t, and the clips that those words see, A B^T v, join the clip, and so does
    the whole query, pooled.

    Args:
        channels (int): C.
        dropout (float): Of clips and words as they enter the similarity.
    """

    def __init__(self, channels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.clip_score = nn.Parameter(torch.empty(channels, 1))
        self.word_score = nn.Parameter(torch.empty(channels, 1))
        self.pair_scale = nn.Parameter(torch.empty(1, channels))
        for parameter in (self.clip_score, self.word_score, self.pair_scale):
            nn.init.xavier_uniform_(parameter)
        self.dropout = Dropout(dropout)
        self.mix = nn.Linear(4 * channels, channels)
        self.query_pool = AttentionPooling(channels)
        self.out = nn.Linear(2 * channels, channels)

    def forward(
        self, clips: Tensor, words: Tensor, mask: Tensor, words_mask: Tensor
    ) -> Tensor:
        """Refine.

        Args:
            clips (Tensor): (B, T, C).
            words (Tensor): (B, L, C).
            mask (Tensor): (B, T) bool.
            words_mask (Tensor): (B, L) bool.

        Returns:
            Tensor: (B, T, C), not negative.
        """
        score = self.similarity(self.dropout(clips), self.dropout(words))
        to_words = score.masked_fill(~words_mask[:, None], float('-inf')).softmax(2)
        to_clips = score.masked_fill(~mask[..., None], float('-inf')).softmax(1)
        seen = to_words @ words
        echo = to_words @ (to_clips.transpose(1, 2) @ clips)
        x = self.mix(torch.cat([clips, seen, clips * seen, clips * echo], dim=-1))
        query = self.query_pool(words, words_mask)[:, None].expand_as(x)
        return self.out(torch.cat([x, query], dim=-1)).relu()

    def similarity(self, clips: Tensor, words: Tensor) -> Tensor:
        """(B, T, L): a score a clip, one a word, and a weighted dot product."""
        pair = (clips * self.pair_scale) @ words.transpose(1, 2)
        return clips @ self.clip_score + (words @ self.word_score).mT + pair
