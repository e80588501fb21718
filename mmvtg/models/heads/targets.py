"""What samples hold, as tensors that losses take."""

from typing import List

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from mmvtg.structures import GroundingDataSample, seconds_to_clips


def stack_moments(samples: List[GroundingDataSample]) -> Tensor:
    """Annotated moments (B, N, 2) in clips, rows of +inf where a sample has fewer."""
    moments = [
        seconds_to_clips(sample.gt_moments.spans.float(), sample.fps)
        for sample in samples
    ]
    return pad_sequence(moments, batch_first=True, padding_value=float('inf'))


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
