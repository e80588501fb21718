"""Video and query in one sequence."""

from typing import Optional, Sequence, Union

import torch
from mmengine.model import BaseModule

from mmvtg.models.layers import (
    DETR_LAYER,
    TransformerEncoder,
    WordPosition,
    sine_position,
)
from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures, QueryFeatures, VideoFeatures

from .input_projection import InputProjection


@MODELS.register_module()
class JointEncoder(BaseModule):
    """A transformer over clips and words side by side (Moment-DETR, UniVTG).

    Args:
        video_dims (int | Sequence[int]): Width of the clips, see
            :class:`InputProjection`.
        query_dims (int): Width of the words.
        channels (int): C.
        num_layers (int): Of the encoder.
        layer (dict, optional): Of :class:`TransformerLayer`, over 8 heads, a hidden
            width of 1024 and dropout 0.1.
        inputs (dict, optional): Of :class:`InputProjection`.
        max_words (int, optional): Give words a learned code of their place, queries
            have at most so many tokens; None: words have no place.
    """

    def __init__(
        self,
        video_dims: Union[int, Sequence[int]],
        query_dims: int,
        channels: int = 256,
        num_layers: int = 2,
        layer: Optional[dict] = None,
        inputs: Optional[dict] = None,
        max_words: Optional[int] = None,
    ) -> None:
        super().__init__()
        layer = {**DETR_LAYER, **(layer or {})}
        self.inputs = InputProjection(
            video_dims, query_dims, channels, **(inputs or {})
        )
        self.encoder = TransformerEncoder(channels, num_layers, **layer)
        self.word_position = max_words and WordPosition(channels, max_words)

    shares_videos = True

    def forward(self, video: VideoFeatures, query: QueryFeatures) -> FusedFeatures:
        """Fuse.

        Args:
            video (VideoFeatures): See :class:`InputProjection`.
            query (QueryFeatures): Likewise.

        Returns:
            FusedFeatures: Clips (B, T, C) and words (B, L, C) that saw each other,
            their positions, and one step with what they were before.
        """
        step, mask = self.inputs(video, query)
        clips, words = step.clips, step.words
        position = sine_position(mask.sum(1), clips.size(1), clips.size(2))
        position = position.to(clips.dtype)
        place = torch.zeros_like(words)
        if self.word_position:
            place = self.word_position(words)
        x = self.encoder(
            torch.cat([clips, words], dim=1),
            torch.cat([mask, query.mask], dim=1),
            torch.cat([position, place], dim=1),
        )
        clips, words = x.split([clips.size(1), words.size(1)], dim=1)
        return FusedFeatures(
            clips=clips,
            mask=mask,
            words=words,
            words_mask=query.mask,
            steps=[step],
            position=position,
            words_position=place,
        )
