"""The head of TR-DETR: moments and saliency help each other."""

from dataclasses import replace
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvtg.models.layers import DETR_LAYER, TransformerEncoder
from mmvtg.registry import MODELS
from mmvtg.structures import FusedFeatures, GroundingDataSample, center_to_span

from .decoding import DETROutputs
from .detr_head import DETRHead
from .targets import stack_relevance


@MODELS.register_module()
class TRDETRHead(DETRHead):
    """A set head whose two tasks inform each other (TR-DETR).

    From highlights to moments: clips are encoded, scored, and encoded again by the same
    layers with the salient ones raised. From moments to highlights: the clips of the
    best moment are read by a GRU, and clips like its last state are raised before they
    are scored. Without a decoder the whole video is the best moment.

    Two more losses let projected clips and words meet before anything fuses them:
    ``align_clips`` (each clip against the query: is it relevant?) and ``align_videos``
    (means of clips and of words across the batch).

    The neck is to leave the layers over clips to this head (``num_layers=0``).

    Args:
        num_layers (int): Of the encoder.
        layer (dict, optional): Of :class:`TransformerLayer`, over 8 heads, a hidden
            width of 1024, dropout 0.1 and PReLU.
        temperature (float): Divides the cosines of ``align_clips``.
        **kwargs: Of :class:`DETRHead`. ``official_padding`` is parity with the authors'
            code, where padded clips take part in means, in the softmax over clips, in
            the GRU and in ``align_clips``, and where a moment that starts before the
            video is cut out as Python slices, counted from the end.
    """

    CLIP_ROLES = DETRHead.CLIP_ROLES + ('align_clips', 'align_videos')

    def __init__(
        self,
        channels: int = 256,
        num_layers: int = 2,
        layer: Optional[dict] = None,
        temperature: float = 0.07,
        **kwargs,
    ) -> None:
        kwargs.setdefault('saliency', dict(type='SumSaliency'))
        super().__init__(channels, **kwargs)
        layer = {**DETR_LAYER, 'activation': 'prelu', **(layer or {})}
        self.temperature = temperature
        self.encoder = TransformerEncoder(channels, num_layers, **layer)
        self.moment_gru = nn.GRU(channels, channels, batch_first=True)

    def forward(self, fused: FusedFeatures) -> DETROutputs:
        """Moments and saliency of clips (B, T, C) that have read the query."""
        fused = self.raise_salient(fused)
        decoded = self.decode(fused)
        clips = self.raise_alike(fused, decoded)
        return DETROutputs(saliency=self.saliency(clips).float(), **decoded)

    def raise_salient(self, fused: FusedFeatures) -> FusedFeatures:
        """Clips (B, T, C) encoded, scored, and encoded with the salient ones raised."""
        encoded = self.encoder(fused.clips, fused.mask, fused.position)
        score = self.saliency(replace(fused, clips=encoded))
        if not self.official_padding:  # parity: padded clips take their share
            score = score.masked_fill(~fused.mask, float('-inf'))
        raised = encoded + fused.clips * score.softmax(1)[..., None]
        clips = self.encoder(raised, fused.mask, fused.position)
        return replace(fused, clips=clips)

    def raise_alike(
        self, fused: FusedFeatures, decoded: Dict[str, Tensor]
    ) -> FusedFeatures:
        """Clips (B, T, C) with those raised that are like the best moment."""
        before = fused.steps[0].clips
        start, stop = self.best_clips(fused.mask, decoded)
        index = start[:, None] + torch.arange(before.size(1), device=before.device)
        inside = index < stop[:, None]
        index = index.clamp(max=before.size(1) - 1)[..., None].expand_as(before)
        cut = before.gather(1, index).masked_fill(~inside[..., None], 0)
        states, _ = self.moment_gru(cut)
        last = self.lengths(fused.mask) - 1
        own = torch.arange(len(last), device=last.device)
        alike = before @ states[own, last][..., None]
        return replace(fused, clips=fused.clips * alike + fused.clips)

    def best_clips(
        self, mask: Tensor, decoded: Dict[str, Tensor]
    ) -> Tuple[Tensor, Tensor]:
        """First clip of the best moment and the one behind its last, (B,) each."""
        length = self.lengths(mask)
        if not decoded:
            return torch.zeros_like(length), length
        best = decoded['logits'][-1].softmax(-1)[..., 0].argmax(1)
        own = torch.arange(len(best), device=best.device)
        span = center_to_span(decoded['spans'][-1].detach()[own, best])
        start, stop = (span * length[:, None]).floor().long().unbind(1)
        stop = stop + 1
        if self.official_padding:  # parity: as Python slices count
            start = torch.where(start < 0, start + length, start)
            stop = torch.where(stop < 0, stop + length, stop)
        start = start.clamp(min=0)
        return start, torch.minimum(stop, length)

    def lengths(self, mask: Tensor) -> Tensor:
        """How many clips count for a sample (B,)."""
        if self.official_padding:  # parity: the padded length, whatever is real
            mask = torch.ones_like(mask)
        return mask.sum(1)

    def clip_losses(
        self,
        outputs: DETROutputs,
        fused: FusedFeatures,
        data_samples: List[GroundingDataSample],
    ) -> Dict[str, Tensor]:
        """Losses of the saliency, and of the alignment before any fusion."""
        losses = super().clip_losses(outputs, fused, data_samples)
        step, mask, words_mask = fused.steps[0], fused.mask, fused.words_mask
        clips, words = step.clips.float(), step.words.float()
        if 'align_clips' in self.losses:
            query = _mean(F.normalize(words, dim=-1), words_mask)
            logits = F.normalize(clips, dim=-1) @ query[..., None] / self.temperature
            logits = logits.squeeze(-1).masked_fill(~mask, 0)
            relevant = stack_relevance(data_samples, mask.size(1)).to(logits)
            # parity: padded clips count, with a logit of zero
            counted = None if self.official_padding else mask
            losses['align_clips'] = self.losses['align_clips'](
                logits, relevant, counted
            )
        if 'align_videos' in self.losses:
            if self.official_padding:  # parity: padding takes part in the means
                mask, words_mask = torch.ones_like(mask), torch.ones_like(words_mask)
            losses['align_videos'] = self.losses['align_videos'](
                _mean(clips, mask), _mean(words, words_mask)
            )
        return losses


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean (B, C) of what is real in (B, N, C)."""
    weight = mask.to(x.dtype)[..., None]
    return (x * weight).sum(1) / weight.sum(1)
