"""Typed features that towers hand to necks and necks hand to heads.

Axis letters: B batch, T clips, L words, P patches (class token first), C channels.
Masks are bool, True where the position is real.
"""

from dataclasses import dataclass, field
from typing import List, Optional

from torch import Tensor


@dataclass
class VideoFeatures:
    """What a vision tower knows of a batch of videos.

    Args:
        mask (Tensor): (B, T) bool, True for real clips.
        layers (list[Tensor]): Tokens of chosen tower layers, shallow to deep, each
            (B, T, P, C) with the class token at P index 0. Empty if not tapped.
        clips (Tensor, optional): (B, T, C), one vector a clip.
        motion (Tensor, optional): (B, T, C'), one vector a clip of a network that sees
            movement, such as SlowFast, beside what the tower says.
        owners (Tensor, optional): (S,) int64, the row of each of S samples, where
            several queries of a batch ask the same video. Default: a row a sample.
    """

    mask: Tensor
    layers: List[Tensor] = field(default_factory=list)
    clips: Optional[Tensor] = None
    motion: Optional[Tensor] = None
    owners: Optional[Tensor] = None

    def spread(self) -> 'VideoFeatures':
        """A row a sample, for what cannot share rows."""
        if self.owners is None:
            return self
        return VideoFeatures(
            mask=self.mask[self.owners],
            layers=[layer[self.owners] for layer in self.layers],
            clips=None if self.clips is None else self.clips[self.owners],
            motion=None if self.motion is None else self.motion[self.owners],
        )


@dataclass
class QueryFeatures:
    """What a text tower knows of a batch of queries.

    Args:
        mask (Tensor): (B, L) bool, True for real tokens, start and end included.
        layers (list[Tensor]): Tokens of chosen tower layers, shallow to deep, each
            (B, L, C). Empty if not tapped.
        words (Tensor, optional): (B, L, C), one vector a token.
        pooled (Tensor, optional): (B, C), one vector a query.
    """

    mask: Tensor
    layers: List[Tensor] = field(default_factory=list)
    words: Optional[Tensor] = None
    pooled: Optional[Tensor] = None


@dataclass
class StepFeatures:
    """What one refinement step saw before video and query met in it.

    Losses that compare steps or modalities read it.

    Args:
        clips (Tensor): (B, T, C).
        words (Tensor): (B, L, C).
    """

    clips: Tensor
    words: Tensor


@dataclass
class FusedFeatures:
    """Video and query after a neck made one of them; what a head reads.

    Args:
        clips (Tensor): (B, T, C), query-aware clips.
        mask (Tensor): (B, T) bool.
        words (Tensor): (B, L, C), query tokens in the neck's space.
        words_mask (Tensor): (B, L) bool.
        steps (list[StepFeatures]): One entry a refinement step, in the order of the
            steps; empty for necks without steps.
        levels (list[Tensor]): Temporal pyramid, level j (B, T_j, C); empty before a
            pyramid ran.
        level_masks (list[Tensor]): (B, T_j) bool each.
        position (Tensor, optional): (B, T, C), code that the neck added to clips, for
            decoders that add it again.
        words_position (Tensor, optional): (B, L, C), likewise of words.
        summary (Tensor, optional): (B, C), one vector of video and query together.
        negative (FusedFeatures, optional): The same videos with queries of other
            samples; only while training.
    """

    clips: Tensor
    mask: Tensor
    words: Tensor
    words_mask: Tensor
    steps: List[StepFeatures] = field(default_factory=list)
    levels: List[Tensor] = field(default_factory=list)
    level_masks: List[Tensor] = field(default_factory=list)
    position: Optional[Tensor] = None
    words_position: Optional[Tensor] = None
    summary: Optional[Tensor] = None
    negative: Optional['FusedFeatures'] = None


@dataclass
class ProposalFeatures:
    """Moments that may be meant, each with a vector; what a matching head reads.

    Args:
        proposals (Tensor): (V, S, C), S candidates of each video.
        spans (Tensor): (S, 2), start and end of each as shares of the video.
        query (Tensor): (B, C'), one vector a query.
        mask (Tensor): (V, T) bool, real clips of the videos.
        owners (Tensor): (B,) int64, the video of each query.
    """

    proposals: Tensor
    spans: Tensor
    query: Tensor
    mask: Tensor
    owners: Tensor
