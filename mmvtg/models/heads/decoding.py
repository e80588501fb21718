"""What heads say, and how it becomes moments and curves."""

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvtg.structures import GroundingDataSample, clips_to_seconds


@dataclass
class HeadOutputs:
    """What the head says of every point, all levels one after the other.

    Args:
        logits (Tensor): (B, S), class logits.
        distances (Tensor, optional): (B, S, 2), to start and end in strides.
        points (Tensor): (S, 4), see :class:`PointGenerator`.
        mask (Tensor): (B, S) bool, points of real clips.
        similarity (Tensor): (B, T), cosine of clips and pooled query (eq. 14).
    """

    logits: Tensor
    distances: Optional[Tensor]
    points: Tensor
    mask: Tensor
    similarity: Tensor


@dataclass
class DETROutputs:
    """What the head says, N decoder layers one after the other.

    Args:
        saliency (Tensor): (B, T).
        negative (Tensor, optional): (B, T), saliency for the query of another sample.
        states (Tensor, optional): (N, B, Q, C), of a head with a decoder.
        logits (Tensor, optional): (N, B, Q, 2), foreground first.
        spans (Tensor, optional): (N, B, Q, 2), (center, width) in fractions of the
            video.
    """

    saliency: Tensor
    negative: Optional[Tensor] = None
    states: Optional[Tensor] = None
    logits: Optional[Tensor] = None
    spans: Optional[Tensor] = None


def decode_moments(
    outputs: HeadOutputs, fps: Tensor, max_moments: int
) -> List[Tuple[Tensor, Tensor]]:
    """The best moments of each sample, all levels together.

    Args:
        outputs (HeadOutputs): With distances.
        fps (Tensor): (B,), clips per second.
        max_moments (int): Moments to keep.

    Returns:
        list[tuple[Tensor, Tensor]]: Spans (N, 2) in seconds, not clamped to the video,
        and scores (N,), best first; N is at most ``max_moments``.
    """
    scores = outputs.logits.sigmoid().masked_fill(~outputs.mask, -1)
    best, index = scores.topk(min(max_moments, scores.size(1)), dim=1)
    position, stride = outputs.points[index, 0], outputs.points[index, 3]
    reach = outputs.distances.gather(1, index[..., None].expand(-1, -1, 2))
    reach = reach * stride[..., None]
    spans = torch.stack([position - reach[..., 0], position + reach[..., 1]], dim=-1)
    spans = clips_to_seconds(spans, fps[:, None, None])
    counts = outputs.mask.sum(1).clamp(max=max_moments).tolist()
    return [(s[:n], c[:n]) for s, c, n in zip(spans, best, counts)]


def spread_scores(
    scores: Tensor, lengths: Sequence[int], strides: Sequence[int], mask: Tensor
) -> Tensor:
    """Scores of all levels back on the clips, the best level for each clip.

    A level of n points over a video of T clips repeats each score floor(T / n) times
    and the last one to the end, n = floor(T / stride) of the video's true length.

    Args:
        scores (Tensor): (B, S), levels one after the other.
        lengths (Sequence[int]): Points of each level, padding included.
        strides (Sequence[int]): Of the levels.
        mask (Tensor): (B, T) bool, real clips.

    Returns:
        Tensor: (B, T).
    """
    clips = mask.sum(1, keepdim=True)
    time = torch.arange(mask.size(1), device=mask.device)
    levels = []
    for level, stride in zip(scores.split(list(lengths), dim=1), strides):
        count = clips // stride
        repeat = clips // count.clamp(min=1)
        index = torch.minimum(time // repeat.clamp(min=1), (count - 1).clamp(min=0))
        spread = level.gather(1, index)
        levels.append(spread.masked_fill(count == 0, float('-inf')))
    return torch.stack(levels).amax(0)


def add_predictions(
    samples: List[GroundingDataSample],
    moments: Sequence[Tuple[Tensor, Tensor]],
    saliency: Tensor,
    mask: Tensor,
) -> List[GroundingDataSample]:
    """Write predictions into samples.

    Args:
        samples (list[GroundingDataSample]): B of them.
        moments (Sequence[tuple]): (spans (N, 2) in seconds, scores (N,)) a sample.
        saliency (Tensor): (B, T).
        mask (Tensor): (B, T) bool; real clips come first.

    Returns:
        list[GroundingDataSample]: The same, ``pred_moments`` and ``pred_saliency`` set.
    """
    rows = zip(samples, moments, saliency, mask.sum(1).tolist())
    for sample, (spans, scores), values, length in rows:
        sample.pred_moments = InstanceData(spans=spans, scores=scores)
        sample.pred_saliency = values[:length]
    return samples


def no_moments(saliency: Tensor) -> List[Tuple[Tensor, Tensor]]:
    """What a head without moments predicts for each row of ``saliency`` (B, T)."""
    empty = saliency.new_zeros(0)
    return [(empty.new_zeros(0, 2), empty) for _ in saliency]
