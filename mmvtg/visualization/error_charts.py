"""Pictures of an error report: what is found, what goes wrong, with which moments."""

from typing import Any, Callable, Dict, Sequence

import numpy as np
from matplotlib.axes import Axes

from mmvtg.evaluation.functional.error_kinds import (
    FATES,
    KINDS,
    ErrorReport,
    group_errors,
    kinds_by_rank,
    make_bins,
)

from .charts import INK, SOFT, dots, finish, grid, panel, save, stack

# Okabe and Ito's colours, which colour-blind people tell apart.
_FATE_COLORS = ('#0072B2', '#56B4E9', '#F0B64A', '#D55E00')
_KIND_COLORS = ('#0072B2', '#9C9C9C', '#F0B64A', '#D55E00')
_LINE_COLORS = ('#0072B2', '#D55E00', '#009E73')
_TITLES = {
    'length': 'Length of the moment (s)',
    'position': 'Position of its centre (% of the video)',
    'words': 'Words in the query',
    'moments': 'Moments of the query',
}


def draw_recall(reports: Sequence[ErrorReport], out_file: str, name: str = '') -> None:
    """Share of annotated moments that are found, by their properties.

    Args:
        reports (Sequence[ErrorReport]): One for each IoU threshold, of the same files.
        out_file (str): PNG file to write.
        name (str): What was evaluated, for the caption.
    """
    binned = _telling(
        {key: make_bins(key, v) for key, v in reports[0].properties.items()},
        lambda bins: len(bins[0]),
    )
    figure, axes = grid(len(binned))
    for axis, (key, (labels, group)) in zip(axes, binned.items()):
        counts = np.bincount(group, minlength=len(labels))
        panel(axis, _TITLES[key], labels, counts)
        for index, report in enumerate(reports):
            shift = (index - (len(reports) - 1) / 2) * 0.34
            color = _LINE_COLORS[index % 3]
            first = _share(report.rank == 1, group, len(labels))
            later = _share(report.rank >= 1, group, len(labels))
            dots(axis, shift - 0.07, first, counts, color, color)
            dots(axis, shift + 0.07, later, counts, color, 'white')
    handles = []
    for index, report in enumerate(reports):
        color = _LINE_COLORS[index % 3]
        for fill, text in ((color, 'first'), ('white', f'first {report.top_k}')):
            style = dict(marker='o', ms=8, mec=color, mfc=fill, mew=1.8, ls='none')
            label = f'by the {text}, IoU ≥ {report.iou:g}'
            handles.append(axes[0].plot([], [], label=label, **style)[0])
    finish(
        figure,
        axes,
        handles,
        'Found moments (%)',
        f'{name}Each annotated moment counts once; a prediction finds one moment at '
        'most. Bars: 95 % confidence (Wilson). n: annotated moments.',
    )
    save(figure, out_file)


def draw_fates(report: ErrorReport, out_file: str, name: str = '') -> None:
    """What became of the annotated moments, by their properties.

    Args:
        report (ErrorReport): What to show.
        out_file (str): PNG file to write.
        name (str): What was evaluated, for the caption.
    """
    caption = (
        f'{name}Found: IoU ≥ {report.iou:g} with one of the first {report.top_k} '
        f'predictions; touched: IoU ≥ {report.near:g} only; missed: less. n: annotated '
        'moments.'
    )
    _draw_stacks(
        report, 'fates', FATES, _FATE_COLORS, 'Annotated moments (%)', caption, out_file
    )


def draw_kinds(report: ErrorReport, out_file: str, name: str = '') -> None:
    """What the predictions are, by properties of the annotated moments they go with.

    Args:
        report (ErrorReport): What to show.
        out_file (str): PNG file to write.
        name (str): What was evaluated, for the caption.
    """
    caption = (
        f'{name}The first {report.top_k} predictions, each with the moment that it '
        f'overlaps most, or else the nearest. Hit: IoU ≥ {report.iou:g}; duplicate: of '
        f'one found before; boundary: IoU ≥ {report.near:g} only. n: predictions.'
    )
    _draw_stacks(
        report, 'kinds', KINDS, _KIND_COLORS, 'Predictions (%)', caption, out_file
    )


def draw_ranks(report: ErrorReport, out_file: str, name: str = '') -> None:
    """Kinds of predictions by rank, and where boundary errors lie.

    Args:
        report (ErrorReport): What to show.
        out_file (str): PNG file to write.
        name (str): What was evaluated, for the caption.
    """
    figure, axes = grid(2)
    counts = kinds_by_rank(report)
    labels = [str(rank + 1) for rank in range(len(counts))]
    panel(axes[0], 'Rank of the prediction', labels, counts.sum(axis=1))
    handles = stack(axes[0], counts, KINDS, _KIND_COLORS)
    axes[0].set_ylabel('Predictions (%)', color=INK)
    _draw_edges(axes[1], report)
    caption = (
        f'{name}Right: predictions that touch a moment (IoU from {report.near:g} to '
        f'{report.iou:g}), by how far their ends are from its ends. Left of 0 is too '
        'early. n: predictions.'
    )
    finish(figure, axes, handles, None, caption)
    save(figure, out_file)


def _draw_edges(axis: Axes, report: ErrorReport) -> None:
    errors = report.edge_errors[report.pred_kind == KINDS.index('boundary')]
    reach = float(np.quantile(np.abs(errors), 0.95)) if len(errors) else 1.0
    # A power of two: as many multiples of the clip length fall into every bar.
    step = 2.0 ** np.round(np.log2(max(reach, 1e-3) / 20))
    edges = (np.arange(-20, 22) - 0.5) * step  # 0 is the middle of a bar
    for column, (color, text) in enumerate((('#0072B2', 'start'), ('#D55E00', 'end'))):
        inside = np.clip(errors[:, column], -20 * step, 20 * step)
        share = 100 * np.histogram(inside, edges)[0] / max(len(errors), 1)
        early = 100 * (errors[:, column] < 0).mean() if len(errors) else 0
        axis.stairs(
            share,
            edges,
            color=color,
            lw=2,
            label=f'{text}: too early in {early:.0f} %',
        )
    axis.axvline(0, color=SOFT, lw=1, ls=':')
    axis.set_title(
        f'Boundary errors (s), n = {len(errors)}', size=12, color=INK, loc='left'
    )
    axis.set_ylim(bottom=0)
    axis.margins(x=0)
    axis.set_ylabel('Predictions (%)', color=INK)
    axis.legend(frameon=False, loc='upper left', fontsize=10)
    axis.tick_params(colors=INK)
    axis.text(
        0.99,
        0.97,
        'outermost bars:\nthis far or farther',
        transform=axis.transAxes,
        ha='right',
        va='top',
        size=9,
        color=SOFT,
    )


def _telling(panels: dict, count: Callable[[Any], int]) -> dict:
    """Panels of more than one group, or all if there are none."""
    return {k: v for k, v in panels.items() if count(v) > 1} or panels


def _draw_stacks(
    report: ErrorReport,
    part: str,
    names: Sequence[str],
    colors: Sequence[str],
    ylabel: str,
    caption: str,
    out_file: str,
) -> None:
    grouped = _telling(group_errors(report), len)
    figure, axes = grid(len(grouped))
    for axis, (key, groups) in zip(axes, grouped.items()):
        counts = np.array([list(entry[part].values()) for entry in groups.values()])
        panel(axis, _TITLES[key], list(groups), counts.sum(axis=1))
        handles = stack(axis, counts, names, colors)
    finish(figure, axes, handles, ylabel, caption)
    save(figure, out_file)


def _share(hits: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    counts = np.bincount(group, minlength=groups)
    return np.bincount(group, weights=hits, minlength=groups) / np.maximum(counts, 1)


def draw_errors(
    reports: Sequence[ErrorReport], out_dir: str, name: str = ''
) -> Dict[str, str]:
    """All pictures.

    Args:
        reports (Sequence[ErrorReport]): One for each IoU threshold; the first is shown
            in detail.
        out_dir (str): Folder for the PNG files.
        name (str): What was evaluated, for the captions.

    Returns:
        dict: Name of a picture -> its file.
    """
    name = f'{name}. ' if name else ''
    files = {
        key: f'{out_dir}/{key}.png' for key in ('recall', 'fates', 'kinds', 'ranks')
    }
    draw_recall(reports, files['recall'], name)
    draw_fates(reports[0], files['fates'], name)
    draw_kinds(reports[0], files['kinds'], name)
    draw_ranks(reports[0], files['ranks'], name)
    return files
