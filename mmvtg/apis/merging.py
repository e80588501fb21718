"""One answer from the answers of overlapping windows."""

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvtg.models.task_modules import batched_moment_nms
from mmvtg.structures import GroundingDataSample

# Moments whose scores differ more than by this factor are not joined at a border.
_LIKE_SCORE = 0.5
# A moment that ends within so many clips of a border may be cut by it.
_MARGIN = 2.0
# Suppression visits moments one by one, and there may be 50 a window.
_MAX_CANDIDATES = 5000


@dataclass
class WindowAnswer:
    """What a model said of one window.

    Args:
        start (float): Of the window, seconds of the video.
        end (float): Likewise.
        spans (Tensor): (N, 2) moments, seconds of the **window**.
        scores (Tensor): (N,).
        saliency (Tensor): (T,), one a clip of the window.
        first_clip (int): Of the window in the video.
    """

    start: float
    end: float
    spans: Tensor
    scores: Tensor
    saliency: Tensor
    first_clip: int


def merge_samples(samples: Sequence[GroundingDataSample]) -> GroundingDataSample:
    """The answer to one query from those of the windows of one video.

    Args:
        samples (Sequence[GroundingDataSample]): By ascending start, with predictions,
            and ``window`` (first clip, last clip + 1) in their metainfo; ``duration``
            is the window's.

    Returns:
        GroundingDataSample: On the CPU, of the whole video. A single one is returned
        as it is.
    """
    first, last = samples[0], samples[-1]
    if len(samples) == 1:
        return first
    fps = first.fps
    answers = [
        WindowAnswer(
            start=sample.window[0] / fps,
            end=sample.window[0] / fps + sample.duration,
            spans=sample.pred_moments.spans.cpu(),
            scores=sample.pred_moments.scores.cpu(),
            saliency=sample.pred_saliency.cpu(),
            first_clip=sample.window[0],
        )
        for sample in samples
    ]
    step = answers[1].start - answers[0].start
    spans, scores = merge_moments(answers, min(_MARGIN / fps, step / 4))
    merged = GroundingDataSample(metainfo=first.metainfo)
    merged.set_metainfo(
        dict(
            duration=answers[-1].end,
            num_clips=last.window[1],
            window=(0, last.window[1]),
        )
    )
    merged.pred_moments = InstanceData(spans=spans, scores=scores)
    merged.pred_saliency = average_saliency(answers)
    return merged


def merge_moments(
    answers: Sequence[WindowAnswer],
    margin: float,
    max_moments: int = 1000,
    iou_threshold: float = 0.7,
) -> Tuple[Tensor, Tensor]:
    """Moments of a video from those of its windows.

    A moment within ``margin`` of a border of its window (the ends of the video are no
    borders) is *cut*: it may go on where the window does not look.

    1. A cut moment is dropped if it lies in another window without being cut there:
       that window had the better view, and its own word counts.
    2. The other cut moments reach over the whole overlap into the next window. Those
       that end with a window are joined with those that begin with the next one, best
       with best, if the lower score is at least half of the higher; the score is their
       mean, weighted by length. The joined one may be joined further. Those that find
       no partner stay as they are.
    3. Hard non-maximum suppression over all; what it suppresses is dropped.

    Args:
        answers (Sequence[WindowAnswer]): By ascending start, on the CPU.
        margin (float): Seconds; less than half of what a window does not share.
        max_moments (int): Moments to keep.
        iou_threshold (float): Of the suppression.

    Returns:
        tuple[Tensor, Tensor]: Spans (N, 2) in seconds and scores (N,), best first.
    """
    ends = [[answer.start, answer.end] for answer in answers]
    borders = torch.tensor(ends, dtype=torch.float32)
    borders[0, 0], borders[-1, 1] = -torch.inf, torch.inf
    found: List[Tensor] = []  # rows of start, end, score
    open_rows = borders.new_zeros(0, 3)  # cut at the end of the window before
    for index, answer in enumerate(answers):
        rows = _rows_in_video(answer)
        depth = torch.minimum(
            rows[:, :1] - borders[:, 0], borders[:, 1] - rows[:, 1:2]
        )  # (N, windows): seconds to the nearer border, negative if outside
        cut = depth[:, index] <= margin
        rows = rows[~cut | ~(depth > margin).any(1)]
        at_start = rows[:, 0] <= borders[index, 0] + margin
        joined, alone = _join(open_rows, rows[at_start])
        rows = torch.cat([joined, rows[~at_start]])
        at_end = rows[:, 1] >= borders[index, 1] - margin
        found += [alone, rows[~at_end]]
        open_rows = rows[at_end]
    return _best(torch.cat([*found, open_rows]), max_moments, iou_threshold)


def average_saliency(answers: Sequence[WindowAnswer]) -> Tensor:
    """Saliency of a video from that of its windows.

    Where windows overlap, their values are averaged with weights that rise from each
    end of a window to its middle, so that the curve passes smoothly from one window to
    the next, and clips with little around them count little.

    Args:
        answers (Sequence[WindowAnswer]): Together they cover the video.

    Returns:
        Tensor: (T,) float32.
    """
    length = max(a.first_clip + len(a.saliency) for a in answers)
    total = torch.zeros(length, dtype=torch.float64)
    weights = torch.zeros(length, dtype=torch.float64)
    for answer in answers:
        rank = torch.arange(1, len(answer.saliency) + 1, dtype=torch.float64)
        weight = torch.minimum(rank, rank.flip(0))
        place = slice(answer.first_clip, answer.first_clip + len(rank))
        total[place] += weight * answer.saliency.double()
        weights[place] += weight
    return (total / weights).float()


def _rows_in_video(answer: WindowAnswer) -> Tensor:
    """(N, 3) start, end (seconds of the video), score, of moments that have one."""
    spans = answer.spans.float() + answer.start
    rows = torch.cat([spans, answer.scores.float()[:, None]], dim=1)
    return rows[rows[:, 2] > 0]


def _join(ends: Tensor, starts: Tensor) -> Tuple[Tensor, Tensor]:
    """Join moments across a border, best with best.

    Args:
        ends (Tensor): (N, 3), cut at the end of the window before.
        starts (Tensor): (M, 3), cut at the start of this one.

    Returns:
        tuple[Tensor, Tensor]: The joined ones and the rest of ``starts``, which this
        window goes on with; and the rest of ``ends``.
    """
    ends = ends[ends[:, 2].argsort(descending=True, stable=True)]
    starts = starts[starts[:, 2].argsort(descending=True, stable=True)]
    count = min(len(ends), len(starts))
    one, two = ends[:count], starts[:count]
    low, high = torch.minimum(one, two)[:, 2], torch.maximum(one, two)[:, 2]
    alike = low >= _LIKE_SCORE * high
    one, two = one[alike], two[alike]
    length = torch.stack([one[:, 1] - one[:, 0], two[:, 1] - two[:, 0]], dim=1)
    score = torch.stack([one[:, 2], two[:, 2]], dim=1)
    score = (length * score).sum(1) / length.sum(1).clamp(min=1e-6)
    joined = torch.stack([one[:, 0], torch.maximum(one[:, 1], two[:, 1]), score], dim=1)
    unlike = ~alike
    rest = torch.cat([starts[:count][unlike], starts[count:]])
    return torch.cat([joined, rest]), torch.cat([ends[:count][unlike], ends[count:]])


def _best(
    rows: Tensor, max_moments: int, iou_threshold: float
) -> Tuple[Tensor, Tensor]:
    """The best rows that repeat no better one."""
    order = rows[:, 2].argsort(descending=True, stable=True)
    rows = rows[order[:_MAX_CANDIDATES]]
    scores = batched_moment_nms(
        rows[None, :, :2], rows[None, :, 2], kind='hard', iou_threshold=iou_threshold
    )[0]
    rows = rows[scores > 0][:max_moments]
    return rows[:, :2], rows[:, 2]
