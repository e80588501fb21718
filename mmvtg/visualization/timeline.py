"""The timeline picture: what was asked, what is there, what was found.

From top to bottom, over one time axis: the query, a strip of frames, the annotated
moments, one row for each of the best predicted moments, the saliency curve. A pale band
through all rows marks the annotated moments, so that a look tells hit from miss.
"""

from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from . import panels
from .picture_files import write_png
from .text import wrap

WIDTH = 12.0  # inches
DPI = 100
_LEFT, _RIGHT = 1.3, 2.55  # margins for row names and for numbers
_TITLE_SIZE = 15
_LINE = 0.29


@dataclass
class Timeline:
    """Contents of a timeline picture; only query and duration are needed.

    Moments that have no part in the video, or no length, are dropped.

    Args:
        query (str): The sentence.
        duration (float): Duration of the video, seconds.
        caption (str): Small text under the query, such as the video's name.
        spans (ndarray): (N, 2) predicted moments, seconds, best first.
        scores (ndarray): (N,) scores of ``spans``.
        annotated (ndarray, optional): (M, 2) annotated moments, seconds.
        saliency (ndarray, optional): (T,) predicted saliency, any range.
        fps (float): Clips per second of ``saliency``.
        annotated_saliency (ndarray, optional): (n,) not negative.
        annotated_fps (float): Clips per second of ``annotated_saliency``.
        thumbnails (ndarray, optional): (n, H, W, 3) uint8 RGB, the middle frames of n
            equal parts of the video.
    """

    query: str
    duration: float
    caption: str = ''
    spans: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))
    annotated: Optional[np.ndarray] = None
    saliency: Optional[np.ndarray] = None
    fps: float = 1.0
    annotated_saliency: Optional[np.ndarray] = None
    annotated_fps: float = 1.0
    thumbnails: Optional[np.ndarray] = None

    def __post_init__(self) -> None:
        if not self.duration > 0:
            raise ValueError(f'Timeline: duration = {self.duration} must be positive')
        self.spans = np.asarray(self.spans, dtype=float).reshape(-1, 2)
        self.scores = np.asarray(self.scores, dtype=float).reshape(-1)
        if len(self.spans) != len(self.scores):
            raise ValueError(
                f'Timeline: {len(self.spans)} spans but {len(self.scores)} scores'
            )
        visible = self._visible(self.spans)
        self.spans, self.scores = self.spans[visible], self.scores[visible]
        if self.annotated is not None:
            annotated = np.asarray(self.annotated, dtype=float).reshape(-1, 2)
            self.annotated = annotated[self._visible(annotated)]

    def _visible(self, spans: np.ndarray) -> np.ndarray:
        """Return the mask of spans (N, 2) that have a part in the video, (N,) bool."""
        start, end = spans.clip(0, self.duration).T
        return start < end


class PixelBox(NamedTuple):
    """A part of a picture, pixels from its upper left corner."""

    left: int
    top: int
    right: int
    bottom: int


def draw_timeline(
    timeline: Timeline, top_k: int = 5, out_file: Optional[str] = None
) -> np.ndarray:
    """Draw a timeline.

    Args:
        timeline (Timeline): What to show.
        top_k (int): How many predicted moments, at most.
        out_file (str, optional): PNG file to write, too.

    Returns:
        ndarray: (H, 1200, 3) uint8 RGB.
    """
    image, _ = draw_panels(timeline, top_k)
    if out_file is not None:
        write_png(out_file, image)
    return image


def draw_panels(timeline: Timeline, top_k: int = 5) -> Tuple[np.ndarray, PixelBox]:
    """Draw a timeline, and say where its panels are.

    Args:
        timeline (Timeline): What to show.
        top_k (int): How many predicted moments, at most.

    Returns:
        tuple: The picture (H, 1200, 3) uint8 RGB, and the pixels of the panels; the
        video's time runs from the left to the right side of that box.
    """
    figure = Figure(figsize=(WIDTH, 4), dpi=DPI, facecolor='white')
    canvas = FigureCanvasAgg(figure)
    title = _title_lines(timeline.query, canvas)
    rows = _rows(timeline, top_k)
    caption = 0.28 if timeline.caption else 0.0
    top = 0.22 + _LINE * len(title) + caption + 0.12
    bottom = top + sum(height + gap for _, height, gap in rows)
    height = bottom + 0.5
    figure.set_size_inches(WIDTH, height)
    _write_title(figure, title, timeline.caption, height)

    offset, axes = top, []
    for draw, row_height, gap in rows:
        low = (height - offset - row_height) / height
        box = (_LEFT / WIDTH, low, (WIDTH - _LEFT - _RIGHT) / WIDTH)
        axis = figure.add_axes((*box, row_height / height))
        draw(axis)
        axes.append(axis)
        offset += row_height + gap
    for axis in axes:
        panels.share_time(axis, timeline, is_last=axis is axes[-1])

    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    sides = (_LEFT, top, WIDTH - _RIGHT, bottom)
    return image, PixelBox(*(round(side * DPI) for side in sides))


def _rows(timeline: Timeline, top_k: int) -> List[tuple]:
    """(draw, height, gap below) of each panel, in inches."""
    rows = []
    strip = timeline.thumbnails
    if strip is not None and len(strip):
        width = (WIDTH - _LEFT - _RIGHT) / len(strip)
        height = min(width * strip.shape[1] / strip.shape[2], 1.4)
        rows.append((lambda axis: panels.draw_strip(axis, timeline), height, 0.1))
    count = min(top_k, len(timeline.spans))
    lanes = count + (timeline.annotated is not None)
    if lanes or timeline.saliency is None:
        height = 0.26 + 0.3 * max(lanes, 1)
        rows.append(
            (lambda axis: panels.draw_moments(axis, timeline, count), height, 0.1)
        )
    if timeline.saliency is not None and len(timeline.saliency):
        rows.append((lambda axis: panels.draw_saliency(axis, timeline), 0.95, 0.0))
    return rows


def _title_lines(query: str, canvas: FigureCanvasAgg) -> List[str]:
    font = FontProperties(size=_TITLE_SIZE, weight='bold')
    renderer = canvas.get_renderer()

    def measure(text: str) -> float:
        return renderer.get_text_width_height_descent(text, font, False)[0] / DPI

    query = ' '.join(query.split())
    return wrap(f'“{query}”' if query else '', WIDTH - 0.6, measure, max_lines=4)


def _write_title(figure: Figure, lines: List[str], caption: str, height: float) -> None:
    # A dollar sign in a query is a dollar sign.
    plain: Dict[str, Any] = dict(ha='left', va='top', parse_math=False)
    offset = 0.2
    for line in lines:
        y = 1 - offset / height
        figure.text(
            0.3 / WIDTH, y, line, size=_TITLE_SIZE, weight='bold', color='#111', **plain
        )
        offset += _LINE
    if caption:
        y = 1 - (offset + 0.02) / height
        figure.text(0.3 / WIDTH, y, caption, size=10, color='#666', **plain)
