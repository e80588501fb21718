"""What a detector saw in a video: foreground, classes, segments over one time axis."""

import io
import os.path as osp
import re
from typing import Any, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvtg.registry import HOOKS
from mmvtg.structures import GroundingDataSample
from mmvtg.utils import write_atomic

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
    rows = [(_segments, 1.0 + 0.22 * top_k)]
    if 'pred_foreground' in sample:
        rows.append((_foreground, 0.9))
    if 'pred_classes' in sample:
        rows.append((_classes, 0.5 + 0.2 * (len(sample.classes) + 1)))
    heights = [height for _, height in rows]
    figure = Figure(figsize=(11, sum(heights) + 0.8), dpi=100, facecolor='white')
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(rows), 1, height_ratios=heights, hspace=0.25)
    axes = [figure.add_subplot(cell) for cell in grid]
    for axis, (draw, _) in zip(axes, rows):
        if draw is _segments:
            draw(axis, sample, top_k)
        else:
            draw(axis, sample)
        axis.set_xlim(0, sample.duration)
        axis.tick_params(labelbottom=axis is axes[-1])
    axes[0].set_title(str(sample.get('video_id', '')), loc='left', parse_math=False)
    axes[-1].set_xlabel('time (s)')
    figure.subplots_adjust(left=0.2, right=0.97)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    if out_file is not None:
        buffer = io.BytesIO()
        figure.savefig(buffer, format='png', dpi=100, facecolor='white')
        write_atomic(out_file, buffer.getvalue())
    return image


def _segments(axis: Axes, sample: GroundingDataSample, top_k: int) -> None:
    """Annotated segments in green, predicted ones below, best first."""
    rows = []
    if getattr(sample, 'gt_moments', None) is not None:
        truth = sample.gt_moments
        for span, label in zip(truth.spans.tolist(), truth.labels.tolist()):
            rows.append((span, sample.classes[label], _TRUE))
    found = sample.pred_moments
    for span, label, score in list(
        zip(found.spans.tolist(), found.labels.tolist(), found.scores.tolist())
    )[:top_k]:
        rows.append((span, f'{sample.classes[label]}  {score:.2f}', _FOUND))
    for place, ((start, end), _, color) in enumerate(rows):
        axis.barh(place, end - start, left=start, height=0.7, color=color)
    axis.set_yticks(range(len(rows)), [name for _, name, _ in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.4, -0.6)


def _edges(sample: GroundingDataSample, count: int) -> np.ndarray:
    start, end = sample.get('window', (0, sample.duration))
    return np.linspace(start, end, count + 1)


def _foreground(axis: Axes, sample: GroundingDataSample) -> None:
    values = sample.pred_foreground.float().cpu().numpy()
    edges = _edges(sample, len(values))
    axis.stairs(values, edges, color=_CURVE, fill=True, alpha=0.5)
    axis.set_ylim(0, 1)
    axis.set_ylabel('action', rotation=0, ha='right', va='center')


def _classes(axis: Axes, sample: GroundingDataSample) -> None:
    values = sample.pred_classes.float().cpu().numpy().T
    edges = _edges(sample, values.shape[1])
    rows = np.arange(len(values) + 1) - 0.5
    axis.pcolormesh(edges, rows, values, vmin=0, vmax=1, cmap='Blues')
    names = [*sample.classes, 'background']
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()


@HOOKS.register_module()
class DetectionPictureHook(Hook):
    """Draws the first test videos of the main process.

    Args:
        enable (bool): Draw at all.
        num_pictures (int): How many, at most.
        out_dir (str): Relative paths lie in the run's work directory.
        top_k (int): How many segments a picture shows.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        enable: bool = True,
        num_pictures: int = 12,
        out_dir: str = 'detections',
        top_k: int = 10,
    ) -> None:
        self.enable = enable
        self.num_pictures = num_pictures
        self.out_dir = out_dir
        self.top_k = top_k
        self._drawn = 0

    def before_test(self, runner: Runner) -> None:
        """Start counting anew."""
        self._drawn = 0

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Optional[Sequence[GroundingDataSample]] = None,
    ) -> None:
        """Draw what is still wanted."""
        if not (self.enable and is_main_process() and outputs):
            return
        for sample in outputs[: self.num_pictures - self._drawn]:
            name = re.sub(r'[^\w.-]', '_', str(sample.video_id)) + '.png'
            path = osp.join(runner.work_dir, self.out_dir, name)
            draw_detections(sample, path, self.top_k)
            self._drawn += 1
