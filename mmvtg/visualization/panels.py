"""The panels of the timeline picture; each draws into one axes of a figure."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import blended_transform_factory

from .text import format_time, time_decimals, time_ticks

if TYPE_CHECKING:
    from .timeline import Timeline

# Okabe and Ito's colours, which colour-blind people tell apart.
GREEN, BLUE, ORANGE = '#009E73', '#0072B2', '#D55E00'
GREY, DARK = '#767676', '#222222'
_SMALL = 9.5
_MAX_STEPS = 240


def share_time(axis: Axes, timeline: 'Timeline', is_last: bool) -> None:
    """Give an axes the common time axis; only the last one is labelled."""
    axis.set_xlim(0, timeline.duration)
    for side in ('top', 'right', 'left'):
        axis.spines[side].set_visible(False)
    axis.spines['bottom'].set_color('#bbbbbb')
    axis.set_yticks([])
    ticks = time_ticks(timeline.duration)
    decimals = 0 if ticks[1:] and ticks[1] >= 1 else 1
    labels = [format_time(tick, timeline.duration, decimals) for tick in ticks]
    axis.set_xticks(ticks, labels if is_last else [''] * len(ticks))
    axis.tick_params(
        axis='x', length=4 if is_last else 0, labelsize=10, colors=DARK, color='#bbbbbb'
    )
    axis.spines['bottom'].set_visible(is_last)


def draw_strip(axis: Axes, timeline: 'Timeline') -> None:
    """Frames side by side; each fills the part of the time that it comes from."""
    strip = timeline.thumbnails
    if strip is None:
        return
    count, part = len(strip), timeline.duration / len(strip)
    # Few frames do not fill their parts: they keep their shape, in the middle.
    box = axis.get_window_extent()
    room = box.width / count / (box.height * strip.shape[2] / strip.shape[1])
    half = part / 2 / max(room, 1.0)
    for index, frame in enumerate(strip):
        middle = (index + 0.5) * part
        extent = (middle - half, middle + half, 0, 1)
        axis.imshow(frame, extent=extent, aspect='auto', interpolation='bilinear')
        axis.text(
            middle,
            0.05,
            format_time(middle, timeline.duration, int(part < 2)),
            size=8 if count > 10 else 9,
            color='white',
            ha='center',
            va='bottom',
            bbox=dict(boxstyle='round,pad=0.2', fc='#000000', ec='none', alpha=0.6),
        )
    for index in range(1, count):
        axis.axvline(index * part, color='white', lw=2)
    axis.set_ylim(0, 1)


def draw_moments(axis: Axes, timeline: 'Timeline', count: int) -> None:
    """A row of annotated moments and one for each of the first ``count`` predicted."""
    annotated = timeline.annotated
    has_truth = annotated is not None
    lanes = max(count + has_truth, 1)
    axis.set_ylim(lanes - 0.35, -1.05)  # room for the heads of the columns on top
    _bands(axis, timeline)
    if annotated is not None:
        _row_name(axis, 0, 'annotated', GREEN)
        for start, end in annotated:
            _bar(axis, timeline.duration, (start, end), 0, GREEN, 1.0)
        _note_truth(axis, annotated, timeline.duration)
    if count:
        _columns(axis, -0.72, ('moment', 'score', 'IoU' if has_truth else ''), GREY)
    best = timeline.scores[:count].max(initial=0)
    for rank in range(count):
        lane, score = rank + has_truth, timeline.scores[rank]
        span = np.clip(timeline.spans[rank], 0, timeline.duration)
        strength = np.clip(score / best, 0, 1) if best > 0 else 0
        alpha = 0.9 if rank == 0 else 0.2 + 0.45 * strength
        _row_name(axis, lane, f'predicted {rank + 1}', BLUE, bold=rank == 0)
        _bar(axis, timeline.duration, span, lane, BLUE, alpha, outline=rank == 0)
        iou = '' if annotated is None else f'{_best_iou(span, annotated):.2f}'
        cells = (_interval(span, timeline.duration), f'{score:.2f}', iou)
        _columns(axis, lane, cells, DARK, bold=rank == 0)
    if not count:
        axis.text(
            0.5,
            lanes - 1 if not has_truth else -0.72,
            'no moment predicted',
            transform=blended_transform_factory(axis.transAxes, axis.transData),
            ha='center',
            va='center',
            size=_SMALL,
            color=GREY,
        )


def draw_saliency(axis: Axes, timeline: 'Timeline') -> None:
    """The predicted curve over its own range, the annotated one as shading."""
    _bands(axis, timeline)
    axis.set_ylim(-0.02, 1.08)
    _row_name(axis, 0.5, 'saliency', ORANGE)
    truth = timeline.annotated_saliency
    if truth is not None and len(truth):
        values = np.asarray(truth, dtype=float) / max(np.max(truth), 1e-9)
        x, y = _steps(values, timeline.annotated_fps, timeline.duration)
        axis.fill_between(x, 0, y, color=GREY, alpha=0.3, lw=0)
        _side_note(axis, 0.22, 'annotated', GREY)
    values = np.asarray(timeline.saliency, dtype=float)
    low, high = values.min(), values.max()
    # A flat curve has no shape to show: draw it in the middle.
    scaled = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    x, y = _steps(scaled, timeline.fps, timeline.duration)
    lw = 2.2 if len(values) <= 120 else 1.3
    axis.plot(x, y, color=ORANGE, lw=lw, solid_joinstyle='round')
    axis.fill_between(x, 0, y, color=ORANGE, alpha=0.1, lw=0)
    low, high = (round(float(value), 2) + 0.0 for value in (low, high))  # no "-0.00"
    _side_note(axis, 0.86, f'predicted, {low:.2f} to {high:.2f}', ORANGE)


def _steps(values: np.ndarray, fps: float, duration: float) -> tuple:
    """Corners of the staircase of one value a clip, cut at the end of the video.

    More clips than can be told apart are averaged in groups.
    """
    group = -(-len(values) // _MAX_STEPS)
    starts = np.arange(0, len(values), group)
    values = np.add.reduceat(values, starts) / np.diff([*starts, len(values)])
    fps = fps / group
    edges = np.minimum(np.arange(len(values) + 1) / fps, duration)
    return np.repeat(edges, 2)[1:-1], np.repeat(values, 2)


def _bands(axis: Axes, timeline: 'Timeline') -> None:
    for start, end in () if timeline.annotated is None else timeline.annotated:
        axis.axvspan(start, end, color=GREEN, alpha=0.12, lw=0, zorder=0)


def _bar(
    axis: Axes,
    duration: float,
    span: tuple,
    lane: float,
    color: str,
    alpha: float,
    outline: bool = False,
) -> None:
    width = max(span[1] - span[0], duration * 0.003)  # or it could not be seen
    start = min(span[0], duration - width)
    axis.add_patch(
        Rectangle((start, lane - 0.32), width, 0.64, fc=color, alpha=alpha, lw=0)
    )
    if outline and width > duration * 0.01:
        axis.add_patch(
            Rectangle((start, lane - 0.32), width, 0.64, fc='none', ec=DARK, lw=1.2)
        )


def _best_iou(span: np.ndarray, annotated: np.ndarray) -> float:
    best = 0.0
    for start, end in annotated:
        inter = min(span[1], end) - max(span[0], start)
        union = (span[1] - span[0]) + (end - start) - max(inter, 0)
        best = max(best, inter / union if union > 0 else 0.0)
    return best


def _interval(span: tuple, duration: float) -> str:
    decimals = time_decimals(duration)
    start, end = (format_time(value, duration, decimals) for value in span)
    return f'{start.removesuffix(" s")} – {end}'


def _note_truth(axis: Axes, annotated: np.ndarray, duration: float) -> None:
    count = len(annotated)
    if count == 1:
        text = _interval(annotated[0], duration)
    else:
        text = f'{count} moments' if count else 'none'
    _columns(axis, 0, (text, '', ''), GREEN)


def _row_name(axis: Axes, y: float, text: str, color: str, bold: bool = False) -> None:
    axis.text(
        -0.012,
        y,
        text,
        transform=blended_transform_factory(axis.transAxes, axis.transData),
        ha='right',
        va='center',
        size=_SMALL,
        color=color,
        weight='bold' if bold else 'normal',
    )


def _columns(
    axis: Axes, y: float, cells: tuple, color: str, bold: bool = False
) -> None:
    """Numbers in the right margin: interval, score, IoU."""
    for x, text, align in zip((1.012, 1.225, 1.29), cells, ('left', 'right', 'right')):
        axis.text(
            x,
            y,
            text,
            transform=blended_transform_factory(axis.transAxes, axis.transData),
            ha=align,
            va='center',
            size=_SMALL,
            color=color,
            weight='bold' if bold else 'normal',
        )


def _side_note(axis: Axes, y: float, text: str, color: str) -> None:
    _columns(axis, y, (text, '', ''), color)
