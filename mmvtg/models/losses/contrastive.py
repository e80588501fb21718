"""Losses that pull matching things together and push others apart."""

import math
from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvtg.registry import MODELS

# What excluded clips get in place of minus infinity: the logarithm of float32's least
# number, as in UniVTG's code. A positive clip behind the video costs much, not NaN.
_EXCLUDED = math.log(2**-149)


def info_nce(a: Tensor, b: Tensor, temperature: float = 0.07) -> Tensor:
    """Symmetric InfoNCE between two sets of vectors, the same index matching.

    Args:
        a (Tensor): (..., N, C), any scale.
        b (Tensor): (..., N, C), any scale.
        temperature (float): Divides the cosines.

    Returns:
        Tensor: Scalar, half the mean over rows plus half the mean over columns.
    """
    logits = F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).transpose(-1, -2)
    logits = logits / temperature
    rows = logits.log_softmax(-1).diagonal(dim1=-2, dim2=-1)
    columns = logits.log_softmax(-2).diagonal(dim1=-2, dim2=-1)
    return -(rows.mean() + columns.mean()) / 2


def pair_nce(
    a: Tensor,
    b: Tensor,
    temperature: float = 0.07,
    related: Optional[Tensor] = None,
    symmetric: bool = False,
) -> Tensor:
    """InfoNCE of pairs: each ``a`` against all ``b`` (Efficient-Prompt eq. 4).

    Args:
        a (Tensor): (N, C), any scale.
        b (Tensor): (N, C), any scale; row i belongs to row i.
        temperature (float): Divides the cosines.
        related (Tensor, optional): (N, N) bool, True where row i and column j belong
            together as well; they are no negatives.
        symmetric (bool): Half of the loss is that of each ``b`` against all ``a``.

    Returns:
        Tensor: Scalar.
    """
    logits = F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).T / temperature
    if related is not None:
        own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(related & ~own, float('-inf'))
    loss = -logits.log_softmax(1).diagonal().mean()
    if symmetric:
        loss = (loss - logits.log_softmax(0).diagonal().mean()) / 2
    return loss


def saliency_nce(
    similarity: Tensor,
    saliency: Tensor,
    mask: Tensor,
    positive: Tensor,
    directions: Sequence[str] = ('clips', 'batch'),
    temperature: float = 0.07,
    strict: bool = False,
) -> Tensor:
    """Contrast one positive clip a sample with clips of no higher saliency.

    ``clips``: the positive against the sample's own clips with a saliency target not
    above its own. ``batch``: against the same clip index in other samples where that
    clip is real and no more salient than that sample's positive. Only the rows of the
    positives enter the second term, so no row is ever masked as a whole and gradients
    stay finite; the value is that of R2-Tuning's code (eq. 15).

    Args:
        similarity (Tensor): (B, T), cosines of clips and query.
        saliency (Tensor): (B, T), targets.
        mask (Tensor): (B, T) bool, True for real clips.
        positive (Tensor): (B,) int64, index of a real clip of each sample.
        directions (Sequence[str]): Which of the two terms to sum.
        temperature (float): Divides the similarity.
        strict (bool): Leave out clips as salient as the positive one (UniVTG).

    Returns:
        Tensor: Scalar.
    """
    own = torch.arange(len(positive), device=positive.device)
    highest = saliency[own, positive][:, None]
    if strict:
        allowed = saliency < highest
        allowed[own, positive] = True
    else:
        allowed = saliency <= highest
    allowed = allowed & mask
    logits = (similarity + _EXCLUDED * ~allowed) / temperature
    loss = similarity.new_zeros(())
    if 'clips' in directions:
        loss = loss - logits.log_softmax(1)[own, positive].mean()
    if 'batch' in directions:
        loss = loss - logits[:, positive].log_softmax(0).diagonal().mean()
    return loss


@MODELS.register_module()
class InfoNCELoss(nn.Module):
    """:func:`info_nce` with a weight (R2-Tuning eq. 9 to 11).

    Args:
        temperature (float): Divides the cosines.
        loss_weight (float): Factor of the result.
    """

    def __init__(self, temperature: float = 0.07, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Loss of two sets of vectors (..., N, C)."""
        return self.loss_weight * info_nce(a, b, self.temperature)


@MODELS.register_module()
class SaliencyNCELoss(nn.Module):
    """:func:`saliency_nce` with a weight (R2-Tuning eq. 15).

    Args:
        directions (Sequence[str]): ``clips``, ``batch`` or both.
        temperature (float): Divides the similarity.
        strict (bool): Leave out clips as salient as the positive one (UniVTG eq. 8).
        loss_weight (float): Factor of the result.

    Raises:
        ValueError: If a direction is unknown or none is given.
    """

    def __init__(
        self,
        directions: Sequence[str] = ('clips', 'batch'),
        temperature: float = 0.07,
        strict: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not directions or not set(directions) <= {'clips', 'batch'}:
            raise ValueError(f"directions is {directions}, want 'clips', 'batch'")
        self.directions = tuple(directions)
        self.temperature = temperature
        self.strict = strict
        self.loss_weight = loss_weight

    def forward(
        self, similarity: Tensor, saliency: Tensor, mask: Tensor, positive: Tensor
    ) -> Tensor:
        """Loss of similarity, target and mask (B, T) and positives (B,)."""
        loss = saliency_nce(
            similarity,
            saliency,
            mask,
            positive,
            self.directions,
            self.temperature,
            self.strict,
        )
        return self.loss_weight * loss


@MODELS.register_module()
class QueryWordLoss(nn.Module):
    """Decoder states that answer for a moment are near the words (Moment-DETR).

    The similarity of a state is its summed dot product with all words, over the
    temperature. Off in the authors' settings.

    Args:
        temperature (float): Divides the sums.
        loss_weight (float): Factor of the result.
    """

    def __init__(self, temperature: float = 0.07, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(
        self, states: Tensor, words: Tensor, matched: Tensor, words_mask: Tensor
    ) -> Tensor:
        """Loss of states (B, Q, D), words (B, L, D) and their masks (B, Q), (B, L)."""
        words = F.normalize(words, dim=-1).masked_fill(~words_mask[..., None], 0)
        states = F.normalize(states, dim=-1)
        logits = (states @ words.sum(1)[..., None]).squeeze(-1) / self.temperature
        gain = logits.masked_fill(~matched, 0).sum(1) / matched.sum(1).clamp(min=1)
        return self.loss_weight * (logits.logsumexp(1) - gain).mean()
