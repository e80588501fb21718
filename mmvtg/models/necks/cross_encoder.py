"""Video that has read the query, with the words left behind."""

from typing import Optional, Sequence, Tuple, Union

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvtg.models.layers import (
    DETR_LAYER,
    TransformerEncoder,
    TransformerLayer,
    sine_position,
    xavier_init_,
)
from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures, QueryFeatures, StepFeatures, VideoFeatures

from .context_query import ContextQueryFusion
from .input_projection import InputProjection


@MODELS.register_module()
class CrossEncoder(BaseModule):
    """Clips attend to words, then to each other (QD-DETR, TR-DETR).

    Args:
        video_dims (int | Sequence[int]): Width of the clips, see
            :class:`InputProjection`.
        query_dims (int): Width of the words.
        channels (int): C.
        num_cross_layers (int): Layers that attend to words.
        num_layers (int): Layers that attend to clips; 0 leaves these to the head.
        layer (dict, optional): Of :class:`TransformerLayer`, over 8 heads, a hidden
            width of 1024, dropout 0.1 and PReLU.
        inputs (dict, optional): Of :class:`InputProjection`.
        summary_token (bool): A learned token sees all clips in the last layers and
            becomes ``summary`` (QD-DETR's saliency token).
        negative_pairs (bool): While training, also fuse each video with the query of
            the next sample of the batch with another video. A batch of a single
            video has no negative pairs.
        official_negatives (bool): Parity with the authors' code, which takes the next
            sample of any video. A batch of one sample is its own negative.
        refine (bool): Let clips read the words once before the layers (TR-DETR's visual
            feature refinement).
        official_padding (bool): Parity with the authors' code, whose attention hides
            some words of a sample if other samples of the batch are shorter.
    """

    def __init__(
        self,
        video_dims: Union[int, Sequence[int]],
        query_dims: int,
        channels: int = 256,
        num_cross_layers: int = 2,
        num_layers: int = 2,
        layer: Optional[dict] = None,
        inputs: Optional[dict] = None,
        summary_token: bool = False,
        negative_pairs: bool = False,
        official_negatives: bool = False,
        refine: bool = False,
        official_padding: bool = False,
    ) -> None:
        super().__init__()
        layer = {**DETR_LAYER, 'activation': 'prelu', **(layer or {})}
        self.num_heads = layer['num_heads']
        self.negative_pairs = negative_pairs
        self.official_negatives = official_negatives
        self.official_padding = official_padding
        self.inputs = InputProjection(
            video_dims, query_dims, channels, **(inputs or {})
        )
        self.refine = ContextQueryFusion(channels) if refine else None
        self.cross_layers = nn.ModuleList(
            QueryReadingLayer(channels, **layer) for _ in range(num_cross_layers)
        )
        xavier_init_(self.cross_layers)
        self.encoder = TransformerEncoder(channels, num_layers, **layer)
        self.summary_token = None
        if summary_token:
            self.summary_token = nn.Parameter(torch.randn(channels))
            self.summary_position = nn.Parameter(torch.randn(channels))

    shares_videos = True

    def forward(self, video: VideoFeatures, query: QueryFeatures) -> FusedFeatures:
        """Fuse.

        Args:
            video (VideoFeatures): See :class:`InputProjection`.
            query (QueryFeatures): Likewise.

        Returns:
            FusedFeatures: Clips (B, T, C), their position, projected words (B, L, C),
            one step with what both were before, and ``summary`` and ``negative`` if
            there are any.
        """
        step, mask = self.inputs(video, query)
        if not (self.negative_pairs and self.training):
            return self.fuse(step, mask, query.mask)
        if self.official_negatives:  # parity: the next sample, be it the same one
            foreign = _foreign(None, mask)
        elif len(video.mask) > 1:
            foreign = _foreign(video.owners, mask)
        else:
            return self.fuse(step, mask, query.mask)
        return self._fuse_pairs(step, mask, query.mask, foreign)

    def fuse(
        self, step: StepFeatures, mask: Tensor, words_mask: Tensor, groups: int = 1
    ) -> FusedFeatures:
        """Let projected clips (B, T, C) read projected words (B, L, C).

        ``groups`` batches may lie one after the other along B.
        """
        clips, words = step.clips, step.words
        if self.refine is not None:
            clips = self.refine(clips, words, mask, words_mask)
        position = sine_position(mask.sum(1), clips.size(1), clips.size(2))
        position = position.to(clips.dtype)
        allowed = words_mask
        if self.official_padding:
            pairs = zip(mask.chunk(groups), words_mask.chunk(groups))
            allowed = torch.cat([_tiled_mask(*pair, self.num_heads) for pair in pairs])
        for layer in self.cross_layers:
            clips = layer(clips, words, memory_mask=allowed, position=position)
        clips, summary = self._encode(clips, mask, position)
        return FusedFeatures(
            clips=clips,
            mask=mask,
            words=words,
            words_mask=words_mask,
            steps=[step],
            position=position,
            summary=summary,
        )

    def _encode(
        self, clips: Tensor, mask: Tensor, position: Tensor
    ) -> Tuple[Tensor, Optional[Tensor]]:
        if self.summary_token is None:
            return self.encoder(clips, mask, position), None
        token = self.summary_token.expand(clips.size(0), 1, -1)
        place = self.summary_position.expand(clips.size(0), 1, -1)
        x = self.encoder(
            torch.cat([token, clips], dim=1),
            torch.cat([mask.new_ones(mask.size(0), 1), mask], dim=1),
            torch.cat([place, position], dim=1),
        )
        return x[:, 1:], x[:, 0]

    def _fuse_pairs(
        self, step: StepFeatures, mask: Tensor, words_mask: Tensor, foreign: Tensor
    ) -> FusedFeatures:
        """Own queries and those of the samples ``foreign`` (B,) in one pass."""
        clips, mask = (torch.cat([x, x]) for x in (step.clips, mask))
        words, words_mask = (
            torch.cat([x, x[foreign]]) for x in (step.words, words_mask)
        )
        fused = self.fuse(StepFeatures(clips, words), mask, words_mask, groups=2)
        own, negative = _halves(fused)
        own.negative = negative
        return own


class QueryReadingLayer(TransformerLayer):
    """Cross-attention and feed-forward, whose residual leaves out the first norm.

    ``u = x + attention``, ``LayerNorm(u + FFN(LayerNorm(u)))``: what QD-DETR, TR-DETR
    and CG-DETR compute, where a common layer adds the normalised u.

    Args:
        channels (int): C.
        **layer: Of :class:`TransformerLayer`.
    """

    def __init__(self, channels: int, **layer) -> None:
        super().__init__(channels, order=('cross_attn', 'ffn'), **layer)

    def forward(
        self, x: Tensor, memory: Tensor, memory_mask: Tensor, position: Tensor
    ) -> Tensor:
        """``x`` (B, T, C) reads ``memory`` (B, L, C) where its mask is True."""
        y = self.cross_attn(x + position, memory, memory, memory_mask)
        x = x + self.drop_path(self.dropout(y))
        y = self.ffn(self.cross_attn_norm(x))
        return self.ffn_norm(x + self.drop_path(self.dropout(y)))


def _foreign(owners: Optional[Tensor], mask: Tensor) -> Tensor:
    """(B,), for each sample the next one of the batch that asks another video."""
    index = torch.arange(len(mask), device=mask.device)
    if owners is None:
        return index.roll(-1)
    distance = (index - index[:, None]) % len(mask)
    same = owners[:, None] == owners
    return distance.masked_fill(same, len(mask)).argmin(1)


def _tiled_mask(mask: Tensor, words_mask: Tensor, num_heads: int) -> Tensor:
    """Which words each clip sees in the authors' code, (B, H, T, L).

    parity: padded clips are to see no padded words, but the mask of sample s goes to
    the sample and head with index ``b * H + h`` = s modulo B.
    """
    size = len(mask)
    allowed = mask[:, :, None] | words_mask[:, None, :]
    index = torch.arange(size * num_heads, device=mask.device) % size
    allowed = allowed[index].unflatten(0, (size, num_heads))
    return allowed & words_mask[:, None, None, :]


def _halves(fused: FusedFeatures) -> Tuple[FusedFeatures, FusedFeatures]:
    """The two batches that lie one after the other in ``fused``."""
    (step,) = fused.steps
    fields = dict(
        clips=fused.clips,
        mask=fused.mask,
        words=fused.words,
        words_mask=fused.words_mask,
        position=fused.position,
    )
    if fused.summary is not None:
        fields['summary'] = fused.summary
    steps = zip(step.clips.chunk(2), step.words.chunk(2))
    parts = zip(*(value.chunk(2) for value in fields.values()))
    return tuple(
        FusedFeatures(**dict(zip(fields, part)), steps=[StepFeatures(*pair)])
        for part, pair in zip(parts, steps)
    )
