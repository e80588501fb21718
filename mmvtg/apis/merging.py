"""Predictions for a video, merged from those of overlapping windows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvtg.models.heads.stale_head import Proposals
from mmvtg.models.task_modules import batched_moment_nms
from mmvtg.structures import GroundingDataSample

# Minimum ratio of the scores of two moments that are joined at a border.
_LIKE_SCORE = 0.5
# Clips between a moment and a border that may have cut the moment.
_MARGIN = 2.0
# Limit for suppression, which visits moments one by one: 50 per window are common.
_MAX_CANDIDATES = 5000


@dataclass
class WindowAnswer:
    """Predictions for one window.

    Args:
        start (float): Start of the window in the video, seconds.
        end (float): End of the window in the video, seconds.
        spans (Tensor): (N, 2) moments, seconds of the **window**.
        scores (Tensor): (N,) scores of the moments.
        saliency (Tensor): (T,), one value per clip of the window.
        first_clip (int): Index of the window's first clip in the video.
    """

    start: float
    end: float
    spans: Tensor
    scores: Tensor
    saliency: Tensor
    first_clip: int


def merge_samples(samples: Sequence[GroundingDataSample]) -> GroundingDataSample:
    """Merge the predictions for one query in all windows of a video.

    Args:
        samples (Sequence[GroundingDataSample]): Windows by ascending start, with
            predictions, ``window`` (first clip, last clip + 1), and ``duration`` of the
            window in seconds.

    Returns:
        GroundingDataSample: Sample of the whole video, on the CPU; a single sample is
        returned unchanged.
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
) -> tuple[Tensor, Tensor]:
    """Merge the moments of the windows of a video.

    A moment within ``margin`` of a border of its window is *cut*: it may continue
    outside of the window. The ends of the video are no borders.

    1. A cut moment is dropped if another window contains it without cutting it: that
       window predicts such a moment better.
    2. The other cut moments reach over the whole overlap into the next window. Moments
       at the end of a window are joined with moments at the start of the next window,
       best with best, if the lower score is at least half of the higher score. The
       score of a joined moment is their mean, weighted by length. A joined moment may
       be joined again; moments without a partner stay unchanged.
    3. Hard non-maximum suppression drops duplicates.

    Args:
        answers (Sequence[WindowAnswer]): Windows by ascending start, on the CPU.
        margin (float): Seconds, less than half of the time between window starts.
        max_moments (int): Maximum number of moments.
        iou_threshold (float): IoU threshold of the suppression.

    Returns:
        tuple[Tensor, Tensor]: Spans (N, 2) in seconds and scores (N,), best first.
    """
    ends = [[answer.start, answer.end] for answer in answers]
    borders = torch.tensor(ends, dtype=torch.float32)
    borders[0, 0], borders[-1, 1] = -torch.inf, torch.inf
    found: list[Tensor] = []  # rows of start, end, score
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
    """Merge the saliency of the windows of a video.

    Values of overlapping windows are averaged with weights that rise from each end of a
    window to its middle. The curve thus passes smoothly from one window to the next,
    and clips with little context count little.

    Args:
        answers (Sequence[WindowAnswer]): Windows that together cover the video.

    Returns:
        Tensor: (T,) float32, one value per clip.
    """
    length = max(a.first_clip + len(a.saliency) for a in answers)
    total = torch.zeros(length, dtype=torch.float64)
    weights = torch.zeros(length, dtype=torch.float64)
    for answer in answers:
        rank = torch.arange(1, len(answer.saliency) + 1, dtype=torch.float64)
        weight = torch.minimum(rank, rank.flip(0))
        index = slice(answer.first_clip, answer.first_clip + len(rank))
        total[index] += weight * answer.saliency.double()
        weights[index] += weight
    return (total / weights).float()


def _rows_in_video(answer: WindowAnswer) -> Tensor:
    """Return (N, 3) start, end (seconds of the video), score, without zero scores."""
    spans = answer.spans.float() + answer.start
    rows = torch.cat([spans, answer.scores.float()[:, None]], dim=1)
    return rows[rows[:, 2] > 0]


def _join(ends: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Join moments across a border, best with best.

    Args:
        ends (Tensor): (N, 3) moments cut at the end of the previous window.
        starts (Tensor): (M, 3) moments cut at the start of this window.

    Returns:
        tuple[Tensor, Tensor]: Moments of this window: the joined ones and the rest of
        ``starts``; and the rest of ``ends``.
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
) -> tuple[Tensor, Tensor]:
    """Return the best rows after suppression."""
    order = rows[:, 2].argsort(descending=True, stable=True)
    rows = rows[order[:_MAX_CANDIDATES]]
    scores = batched_moment_nms(
        rows[None, :, :2], rows[None, :, 2], kind='hard', iou_threshold=iou_threshold
    )[0]
    rows = rows[scores > 0][:max_moments]
    return rows[:, :2], rows[:, 2]


def drop_cut(row: Proposals, sample: GroundingDataSample) -> Proposals:
    """Drop proposals that a window cuts and its neighbor contains completely.

    These lie within a snippet of a border of the window and are shorter than the
    overlap, half a window. The ends of the video are no borders.

    Args:
        row (Proposals): Proposals of one window, seconds of the video.
        sample (GroundingDataSample): Sample with ``duration``, ``window`` (s) and
            ``num_snippets`` of the window.
    """
    start, end = sample.window
    snippet = (end - start) / sample.num_snippets
    first, last = row.spans.unbind(1)
    at_start = (first <= start + snippet) & (start > 1e-3)
    at_end = (last >= end - snippet) & (end < sample.duration - 1e-3)
    short = last - first < (end - start) / 2 - snippet
    keep = ~((at_start | at_end) & short)
    return replace(
        row, spans=row.spans[keep], scores=row.scores[keep], labels=row.labels[keep]
    )
