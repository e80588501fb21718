"""A share of the videos of an annotation file, to hold some of them out."""

import hashlib
from typing import List, Sequence

from .errors import AnnotationError


def check_share(share: Sequence[float]) -> None:
    """Refuse what is no part of a whole.

    Raises:
        ValueError: It is not 0 <= low < high <= 1.
    """
    if len(share) != 2 or not 0 <= share[0] < share[1] <= 1:
        raise ValueError(
            f'share={tuple(share)!r}, want (low, high) with 0 <= low < high <= 1, such '
            'as (0, 0.95) to train on and (0.95, 1) to validate on'
        )


def keep_share(samples: List[dict], share: Sequence[float], where: str) -> List[dict]:
    """Samples of the videos from ``low`` to ``high`` in an order that looks drawn.

    Videos are ordered by a hash of their ids, so the same share of the same videos is
    kept in every run and on every machine, whatever the order of the file; (0, x) and
    (x, 1) have no video in common and none is lost.

    Args:
        samples (list[dict]): With ``video_id``.
        share (Sequence[float]): ``(low, high)``, parts of the number of videos.
        where (str): The file, for the message.

    Raises:
        AnnotationError: No video lies in the share.
    """
    videos = sorted({sample['video_id'] for sample in samples}, key=_digest)
    low, high = (int(edge * len(videos) + 1e-9) for edge in share)
    kept = set(videos[low:high])
    if not kept:
        raise AnnotationError(
            f'{where}: none of its {len(videos)} videos lies in the share '
            f'{tuple(share)!r}; widen it'
        )
    return [sample for sample in samples if sample['video_id'] in kept]


def _digest(video_id: str) -> str:
    return hashlib.md5(video_id.encode('utf-8')).hexdigest()
