"""Parts of the pictures that compare groups: panels, stacked bars, dots, captions."""

import io
import textwrap
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmvtg.utils import write_atomic

INK, SOFT = '#222222', '#6b6b6b'
_ON_DARK = {'#0072B2', '#D55E00'}


def grid(count: int) -> tuple:
    """A white figure with two axes a row."""
    rows = (count + 1) // 2
    figure = Figure(figsize=(12, 1.55 + 3.6 * rows), dpi=100, facecolor='white')
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, 2, squeeze=False).flat)
    for axis in axes[count:]:
        axis.set_visible(False)
    return figure, axes[:count]


def panel(axis: Axes, title: str, labels: List[str], counts: np.ndarray) -> None:
    """Title, names of groups with their sizes, percent from bottom to top.

    Sizes of many groups do not fit under them and go into the title.

    Args:
        axis (Axes): To prepare.
        title (str): Over it.
        labels (list): Of the groups.
        counts (ndarray): (n,) their sizes.
    """
    ticks = [f'{label}\nn = {count}' for label, count in zip(labels, counts)]
    if len(labels) > 6:
        low, high = counts.min(), counts.max()
        title += f', n = {low}' + (f' to {high}' if high > low else ' each')
        ticks = labels
    axis.set_title(title, size=12, color=INK, loc='left')
    axis.set_xticks(range(len(labels)), ticks)
    axis.set_xlim(-0.6, len(labels) - 0.4)
    axis.set_ylim(0, 100)
    axis.tick_params(colors=INK, length=0, labelsize=10)
    axis.grid(axis='y', color='#e4e4e4', lw=0.8)
    axis.set_axisbelow(True)


def stack(
    axis: Axes, counts: np.ndarray, names: Sequence[str], colors: Sequence[str]
) -> list:
    """Bars of 100 %, numbers in the parts that have room for them."""
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    bottom = np.zeros(len(share))
    handles = []
    for column, (name, color) in enumerate(zip(names, colors)):
        values = share[:, column]
        handles.append(
            axis.bar(
                range(len(share)),
                values,
                bottom=bottom,
                color=color,
                width=0.72,
                edgecolor='white',
                label=name,
            )
        )
        for x, (low, value) in enumerate(zip(bottom, values)):
            if value >= 5:
                ink = 'white' if color in _ON_DARK else INK
                text = f'{value:.0f}'
                middle = low + value / 2
                axis.text(x, middle, text, ha='center', va='center', size=10, color=ink)
        bottom = bottom + values
    return handles


def dots(
    axis: Axes,
    shift: float,
    share: np.ndarray,
    counts: np.ndarray,
    color: str,
    fill: str,
) -> None:
    """Percentages with their 95 % confidence intervals (Wilson)."""
    n, z = np.maximum(counts, 1), 1.96
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    x = np.arange(len(share)) + shift
    shown = counts > 0
    axis.vlines(
        x[shown],
        100 * (middle - half)[shown],
        100 * (middle + half)[shown],
        color=color,
        lw=1.6,
    )
    style: Dict[str, Any] = dict(
        marker='o', ms=7, mec=color, mfc=fill, mew=1.8, ls='none', clip_on=False
    )
    axis.plot(x[shown], 100 * share[shown], **style)


def finish(
    figure: Figure, axes: List[Axes], handles: list, ylabel: Optional[str], caption: str
) -> None:
    """Legend on top, caption at the bottom, no frames.

    Args:
        figure (Figure): To finish.
        axes (list): Its axes, row by row.
        handles (list): What the legend names.
        ylabel (str, optional): Of the left axes.
        caption (str): Says what is seen.
    """
    for index, axis in enumerate(axes):
        for side in ('top', 'right', 'left'):
            axis.spines[side].set_visible(False)
        axis.spines['bottom'].set_color('#bbbbbb')
        if ylabel and index % 2 == 0:
            axis.set_ylabel(ylabel, color=INK)
    height = figure.get_size_inches()[1]
    figure.legend(
        handles=handles,
        loc='upper left',
        bbox_to_anchor=(0.055, 1 - 0.08 / height),
        ncols=4,
        frameon=False,
        fontsize=11,
        handlelength=1.2,
        labelcolor=INK,
    )
    lines = textwrap.fill(caption, 155)
    place: Dict[str, Any] = dict(size=10, color=SOFT, linespacing=1.4, parse_math=False)
    figure.text(0.065, 0.14 / height, lines, **place)
    figure.subplots_adjust(
        left=0.065,
        right=0.985,
        top=1 - 0.95 / height,
        bottom=1.1 / height,
        hspace=0.42,
        wspace=0.14,
    )


def save(figure: Figure, out_file: str) -> None:
    """Write a PNG, whole or not at all."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format='png', dpi=100, facecolor='white')
    write_atomic(out_file, buffer.getvalue())
