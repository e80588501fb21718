"""What a detector saw in a video: foreground, classes, segments over one time axis."""

from functools import partial
from typing import Callable, List, Optional, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmvtg.structures import GroundingDataSample

from .picture_files import write_png

#: Classes whose scores are shown, at most: those that score highest anywhere.
_MAX_CLASSES = 24
_TRUE, _FOUND, _CURVE = '#009E73', '#0072B2', '#D55E00'


def draw_detections(
    sample: GroundingDataSample, out_file: Optional[str] = None, top_k: int = 10
) -> np.ndarray:
    """Draw segments, class-agnostic mask and class scores of one video.

    Args:
        sample (GroundingDataSample): With ``pred_moments``, ``duration`` and
            ``classes``; ``gt_moments``, ``pred_foreground`` (T,) and ``pred_classes``
            (T, K + 1) where there are.
        out_file (str, optional): PNG file to write, too.
        top_k (int): How many segments, at most.

    Returns:
        ndarray: (H, W, 3) uint8 RGB.
    """
    segments = partial(_segments, top_k=top_k)
    rows: List[Tuple[Callable[[Axes, GroundingDataSample], None], float]]
    rows = [(segments, 0.3 + 0.2 * _num_segments(sample, top_k))]
    if 'pred_foreground' in sample:
        rows.append((_foreground, 0.9))
    if 'pred_classes' in sample:
        rows.append(
            (_classes, 0.5 + 0.2 * (min(len(sample.classes), _MAX_CLASSES) + 1))
        )
    heights = [height for _, height in rows]
    height = sum(heights) + 0.25 * len(rows) + 0.9
    figure = Figure(figsize=(11, height), dpi=100, facecolor='white')
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(rows),
        1,
        height_ratios=heights,
        hspace=0.25 * len(rows) / sum(heights),
        top=1 - 0.4 / height,
        bottom=0.5 / height,
    )
    axes = [figure.add_subplot(grid[row]) for row in range(len(rows))]
    for axis, (draw, _) in zip(axes, rows):
        draw(axis, sample)
        axis.set_xlim(0, sample.duration)
        axis.tick_params(labelbottom=axis is axes[-1])
    annotated = getattr(sample, 'gt_moments', None) is not None
    axes[0].set_title(
        f'{sample.get("video_id", "")}   {"annotated (green), " * annotated}'
        'found (blue, best first)',
        loc='left',
        fontsize=10,
        parse_math=False,
    )
    axes[-1].set_xlabel('time (s)')
    figure.subplots_adjust(left=0.2, right=0.97)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    if out_file is not None:
        write_png(out_file, image)
    return image


def _num_segments(sample: GroundingDataSample, top_k: int) -> int:
    truth = getattr(sample, 'gt_moments', None)
    found = min(len(sample.pred_moments.scores), top_k)
    return max(found + (0 if truth is None else len(truth.labels)), 1)


def _segments(axis: Axes, sample: GroundingDataSample, top_k: int) -> None:
    """Annotated segments, predicted ones below: best first, paler by their scores."""
    rows = []
    if getattr(sample, 'gt_moments', None) is not None:
        truth = sample.gt_moments
        for span, label in zip(truth.spans.tolist(), truth.labels.tolist()):
            rows.append((span, sample.classes[label], _TRUE, 1.0))
    found = sample.pred_moments
    best = max([*found.scores.tolist(), 1e-6])
    for span, label, score in list(
        zip(found.spans.tolist(), found.labels.tolist(), found.scores.tolist())
    )[:top_k]:
        name = f'{sample.classes[label]}  {score:.2f}'
        rows.append((span, name, _FOUND, 0.25 + 0.75 * score / best))
    for place, ((start, end), _, color, alpha) in enumerate(rows):
        axis.barh(place, end - start, left=start, height=0.7, color=color, alpha=alpha)
    axis.set_yticks(range(len(rows)), [row[1] for row in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.4, -0.6)


def _edges(sample: GroundingDataSample, count: int) -> np.ndarray:
    start, end = sample.get('window', (0, sample.duration))
    return np.linspace(start, end, count + 1)


def _foreground(axis: Axes, sample: GroundingDataSample) -> None:
    values = sample.pred_foreground.float().cpu().numpy()
    edges = _edges(sample, len(values))
    axis.stairs(values, edges, color=_CURVE, fill=True, alpha=0.5)
    axis.axhline(0.5, color='black', linewidth=0.6, linestyle=':')
    axis.set_ylim(0, 1)
    axis.set_yticks([0.5], ['any action'], fontsize=8)


def _classes(axis: Axes, sample: GroundingDataSample) -> None:
    values = sample.pred_classes.float().cpu().numpy().T
    best = np.argsort(-values[:-1].max(axis=1), kind='stable')[:_MAX_CLASSES]
    shown = sorted(best.tolist())
    values = values[[*shown, -1]]
    edges = _edges(sample, values.shape[1])
    rows = np.arange(len(values) + 1) - 0.5
    axis.pcolormesh(edges, rows, values, vmin=0, vmax=1, cmap='Blues')
    axis.axhline(len(values) - 1.5, color='black', linewidth=0.6)
    names = [*(sample.classes[label] for label in shown), 'background']
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
