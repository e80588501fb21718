"""Videos too long to be read at once."""

from dataclasses import dataclass
from typing import List, Optional, Sequence

from torch import Tensor

from mmvtg.structures import GroundingDataSample, window_starts


@dataclass
class Piece:
    """A window of a video.

    Args:
        video (Tensor): (T, D) features.
        sample (GroundingDataSample): Whose ``window`` (s) says what the features cover;
            annotations are those of the whole video.
        owner (int): Place of the video.
    """

    video: Tensor
    sample: GroundingDataSample
    owner: int


def cut_windows(
    videos: Sequence[Tensor],
    samples: Sequence[GroundingDataSample],
    size: Optional[int],
) -> List[Piece]:
    """Cut what is longer than ``size`` into windows that overlap by half.

    Args:
        videos (Sequence[Tensor]): (T_i, D) each.
        samples (Sequence[GroundingDataSample]): With ``window`` (s).
        size (int, optional): Snippets; None: nothing is cut.
    """
    pieces = []
    for owner, (video, sample) in enumerate(zip(videos, samples)):
        if size is None or len(video) <= size:
            pieces.append(Piece(video, sample, owner))
            continue
        start, end = sample.window
        step = (end - start) / len(video)
        for first in window_starts(len(video), size, size // 2):
            part = sample.clone()
            window = (start + first * step, start + (first + size) * step)
            part.set_metainfo(dict(window=window))
            pieces.append(Piece(video[first : first + size], part, owner))
    return pieces
