"""What samples hold, as tensors that losses take."""

from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from mmvtg.structures import GroundingDataSample, seconds_to_clips, span_to_center


def stack_moments(
    samples: List[GroundingDataSample], max_moments: Optional[int] = None
) -> Tensor:
    """Annotated moments (B, N, 2) in clips, rows of +inf where a sample has fewer.

    Of more than ``max_moments`` of a sample so many are drawn.
    """
    moments = [
        seconds_to_clips(sample.gt_moments.spans.float(), sample.fps)
        for sample in samples
    ]
    if max_moments is not None:
        moments = [
            spans[torch.randperm(len(spans))[:max_moments].to(spans.device)]
            if len(spans) > max_moments
            else spans
            for spans in moments
        ]
    return pad_sequence(moments, batch_first=True, padding_value=float('inf'))


def stack_centers(
    samples: List[GroundingDataSample], mask: Tensor, max_moments: Optional[int] = None
) -> Tuple[Tensor, Tensor]:
    """Annotated moments as (center, width) in fractions of the features' length.

    Args:
        samples (list[GroundingDataSample]): With ``gt_moments``.
        mask (Tensor): (B, T) bool, real clips.
        max_moments (int, optional): See :func:`stack_moments`.

    Returns:
        tuple[Tensor, Tensor]: (B, M, 2), zeros where a sample has fewer, M at least 1,
        and how many it has (B,).
    """
    moments = stack_moments(samples, max_moments).to(mask.device)
    if not moments.size(1):
        moments = moments.new_full((len(moments), 1, 2), float('inf'))
    real = moments[..., 0].isfinite()
    moments = moments / mask.sum(1)[:, None, None]
    return span_to_center(moments.masked_fill(~real[..., None], 0)), real.sum(1)


def stack_saliency(samples: List[GroundingDataSample], size: int) -> Tensor:
    """Saliency targets (B, ``size``), 0 behind the end of a video."""
    targets = [sample.gt_saliency.float() for sample in samples]
    stacked = pad_sequence(targets, batch_first=True)
    return pad(stacked, (0, size - stacked.size(1)))


def draw_positive(sample: GroundingDataSample) -> int:
    """The clip that stands for a sample in contrastive losses.

    ``positive_clip`` if the pipeline fixed one; else one of ``positive_clips``, drawn
    with torch's generator; of an empty list, the most salient clip.

    Args:
        sample (GroundingDataSample): With one of the two in its metainfo.

    Returns:
        int: Index of a clip.

    Raises:
        KeyError: If the sample has neither.
    """
    meta = sample.metainfo
    if meta.get('positive_clip') is not None:
        return int(meta['positive_clip'])
    if meta.get('positive_clips') is None:
        raise KeyError(
            f'sample {meta.get("query_id")!r} has neither positive_clip nor '
            'positive_clips; add the saliency target to its pipeline'
        )
    clips = meta['positive_clips']
    if len(clips) == 0:
        return int(sample.gt_saliency.argmax())
    return int(clips[int(torch.randint(len(clips), ()))])


def stack_relevance(samples: List[GroundingDataSample], size: int) -> Tensor:
    """Which clips belong to the query, (B, ``size``) bool: ``positive_clips``.

    Raises:
        KeyError: If a sample has none in its metainfo.
    """
    relevant = torch.zeros(len(samples), size, dtype=torch.bool)
    for row, sample in zip(relevant, samples):
        clips = sample.metainfo.get('positive_clips')
        if clips is None:
            raise KeyError(
                f'sample {sample.metainfo.get("query_id")!r} has no positive_clips; '
                'add the saliency target to its pipeline'
            )
        row[torch.as_tensor(clips)] = True
    return relevant


def draw_pairs(
    saliency: Tensor, relevant: Tensor, mask: Tensor, kinds: Sequence[str]
) -> Tensor:
    """Pairs of clips of which the first is to be more salient (Moment-DETR, 4.2).

    - ``hard``: the best and the worst of the relevant clips;
    - ``easy``: any relevant clip and any other; of a video without others the hard
      pair;
    - ``extreme``: the best and the worst of all clips.

    Args:
        saliency (Tensor): (B, T), targets.
        relevant (Tensor): (B, T) bool, at least one a sample.
        mask (Tensor): (B, T) bool, real clips.
        kinds (Sequence[str]): One a pair.

    Returns:
        Tensor: (B, P, 2) int64.
    """

    def ends(among: Tensor) -> List[Tensor]:
        best = saliency.masked_fill(~among, float('-inf')).argmax(1)
        return [best, saliency.masked_fill(~among, float('inf')).argmin(1)]

    def draw(among: Tensor) -> Tensor:
        # on the CPU: a device has random numbers of its own
        noise = torch.rand(among.shape).to(among.device)
        return noise.masked_fill(~among, -1).argmax(1)

    def easy() -> List[Tensor]:
        others = mask & ~relevant
        pair = draw(relevant), draw(others)
        none = ~others.any(1)
        return [torch.where(none, hard, own) for hard, own in zip(ends(relevant), pair)]

    makers = dict(hard=lambda: ends(relevant), easy=easy, extreme=lambda: ends(mask))
    return torch.stack([torch.stack(makers[kind](), dim=1) for kind in kinds], dim=1)


def stack_pairs(
    samples: List[GroundingDataSample],
    saliency: Tensor,
    mask: Tensor,
    kinds: Sequence[str],
) -> Tensor:
    """``saliency_pairs`` of the samples' metainfo, or else :func:`draw_pairs`.

    Args:
        samples (list[GroundingDataSample]): With ``positive_clips``, or with the pairs
            (P, 2) that the pipeline fixed.
        saliency (Tensor): (B, T), targets.
        mask (Tensor): (B, T) bool.
        kinds (Sequence[str]): Of the pairs to draw.

    Returns:
        Tensor: (B, P, 2) int64.
    """
    fixed = [sample.metainfo.get('saliency_pairs') for sample in samples]
    if all(pairs is not None for pairs in fixed):
        return torch.stack([torch.as_tensor(p) for p in fixed]).to(mask.device)
    relevant = stack_relevance(samples, mask.size(1)).to(mask.device)
    return draw_pairs(saliency, relevant, mask, kinds)
