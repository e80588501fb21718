"""A picture of what a data set is like: lengths, counts and places of moments."""

import os.path as osp
from typing import Any, List, Optional, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mmvtg.utils.files import replacing

from .panels import BLUE, DARK, GREEN, GREY, ORANGE

#: Title, unit, values, weights or None, colour.
Panel = Tuple[str, str, ArrayLike, Optional[np.ndarray], str]
_BINS = 30
#: Counts up to this are shown one bar each.
_MAX_BARS = 12


def draw_histograms(report: Any, path: str) -> None:
    """Write a picture of a data set; it appears when whole.

    Args:
        report (DatasetReport): With one sample at least.
        path (str): Picture file, of a type that matplotlib writes.
    """
    panels = _panels(report.samples, list(report.durations.values()))
    rows = -(-len(panels) // 3)
    figure = Figure(figsize=(13, 0.7 + 3.1 * rows))
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 3, squeeze=False)
    for axis, panel in zip(axes.flat, panels):
        _draw(axis, *panel)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    queries, videos = len(report.samples), len(report.durations)
    title = f'{osp.basename(report.name)}: {queries:,} queries on {videos:,} videos'
    figure.suptitle(title, x=0.012, ha='left', size=14, color=DARK, weight='bold')
    figure.tight_layout(h_pad=2.2, w_pad=2.0)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _panels(samples: List[dict], durations: List[float]) -> List[Panel]:
    """What each panel shows, in their order."""
    words = [len(sample['query'].split()) for sample in samples]
    panels: List[Panel] = [
        ('length of videos', 'seconds', durations, None, BLUE),
        ('words in a query', 'words', words, None, BLUE),
    ]
    counts = [len(sample['moments']) for sample in samples]
    if any(counts):
        spans = [s['moments'] / s['duration'] for s in samples if len(s['moments'])]
        lengths = np.concatenate(
            [np.diff(s['moments'], axis=1)[:, 0] for s in samples if len(s['moments'])]
        )
        shares = 100 * np.diff(np.concatenate(spans), axis=1)[:, 0]
        places, weights = _places(np.concatenate(spans))
        panels += [
            ('moments of a query', 'moments', counts, None, GREEN),
            ('length of moments', 'seconds', lengths, None, GREEN),
            ('where moments lie', 'percent of the video', places, weights, GREEN),
            ('length of moments', 'percent of the video', shares, None, GREEN),
        ]
    scores = [_scores(s) for s in samples if s['annotator_scores'] is not None]
    if scores and any(map(len, scores)):
        values = np.concatenate(scores)
        panels.append(('scores of clips', 'score', values, None, ORANGE))
    if len(panels) == 7:  # a full picture is two rows
        del panels[5]
    return panels


def _scores(sample: dict) -> np.ndarray:
    """Annotators' scores; of QVHighlights only those of relevant clips."""
    rows = sample['annotator_scores']
    return rows[rows.any(axis=1)].ravel() if len(sample['moments']) else rows.ravel()


def _places(spans: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """How many of 100 parts of the videos each moment covers, as (places, weights)."""
    parts = np.arange(100) + 0.5
    starts = np.sort(spans[:, 0] * 100)
    ends = np.sort(spans[:, 1] * 100)
    covered = np.searchsorted(starts, parts) - np.searchsorted(ends, parts)
    return parts, covered


def _draw(
    axis: Axes,
    title: str,
    unit: str,
    data: ArrayLike,
    weights: Optional[np.ndarray],
    color: str,
) -> None:
    values = np.asarray(data, dtype=float)
    whole = weights is None and bool(np.all(values == values.astype(int)))
    if whole and values.max() - values.min() <= _MAX_BARS:
        numbers, counts = np.unique(values, return_counts=True)
        axis.bar(numbers, counts, width=0.75, color=color)
        axis.set_xticks(np.arange(values.min(), values.max() + 1))
    else:
        edges = _bins(values, weights is not None, whole)
        axis.hist(values, edges, weights=weights, color=color)
        if weights is None:
            middle = np.median(values)
            axis.axvline(middle, color=DARK, lw=1, ls=(0, (4, 3)))
            axis.set_title(f'median {middle:.3g}', loc='right', size=9, color=GREY)
    axis.set_title(title, loc='left', size=11, color=DARK)
    axis.set_xlabel(unit, size=9, color=GREY)
    axis.tick_params(labelsize=9, colors=GREY, length=3)
    axis.yaxis.set_major_formatter(lambda value, _: f'{value:,.0f}')
    for side in ('top', 'right'):
        axis.spines[side].set_visible(False)
    for side in ('left', 'bottom'):
        axis.spines[side].set_color('#bbbbbb')


def _bins(values: np.ndarray, per_value: bool, whole: bool) -> List[float]:
    """Edges from the smallest to the largest value; those of counts at halves."""
    low, high = values.min(), values.max()
    if per_value:
        return np.arange(len(values) + 1.0).tolist()
    if low == high:
        return [low - 0.5, low + 0.5]
    if whole:
        step = max(1, round((high - low) / _BINS))
        return np.arange(low - 0.5, high + step, step).tolist()
    return np.linspace(low, high, _BINS + 1).tolist()
