"""Pictures of test samples, and a page that lists them."""

import html
import os.path as osp
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvtg.registry import HOOKS
from mmvtg.structures import GroundingDataSample
from mmvtg.utils import write_atomic

from .grounding_visualizer import GroundingVisualizer
from .picture_files import file_name

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Timelines</title>
<style>
body {{ font: 16px/1.4 sans-serif; max-width: 1230px; margin: 2em auto; color: #222 }}
img {{ max-width: 100%; border: 1px solid #ddd; border-radius: 6px; margin: 8px 0 }}
</style></head><body>
<h1>Timelines</h1>
<p>{count} of {total} test samples, evenly spread. Green: annotated. Blue: predicted,
best first. Orange: predicted saliency; grey: annotated saliency.</p>
{pictures}
</body></html>
"""


@HOOKS.register_module()
class TimelineHook(Hook):
    """Draws test samples, evenly spread over the set, on the main process.

    Pictures go to ``<out_dir>/<query id>.png`` and are listed in ``index.html``; those
    visualizer backends that keep more than files (TensorBoard, WandB, ...) get them,
    too. Several processes each see a part of the set; the pictures are of the first's.

    Args:
        enable (bool): Draw at all.
        num_pictures (int): How many, at most.
        out_dir (str): Relative paths lie in the run's work directory.
        video_dir (str, optional): Folder of the encoded videos; default is the
            sample's own ``video_path``. Without a video there is no strip of frames.
        suffix (str): Of the files in ``video_dir``.
        top_k (int): How many predicted moments a picture shows.
        during_val (bool): In each validation also draw the same samples of that set,
            into the backends only, as ``val_<query id>`` at the step of the epoch.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        enable: bool = True,
        num_pictures: int = 12,
        out_dir: str = 'timelines',
        video_dir: Optional[str] = None,
        suffix: str = '.mp4',
        top_k: int = 5,
        during_val: bool = False,
    ) -> None:
        self.during_val = during_val
        self.enable = enable
        self.num_pictures = num_pictures
        self.out_dir = out_dir
        self.video_dir = video_dir
        self.suffix = suffix
        self.top_k = top_k
        self._seen = 0
        self._drawn: List[Tuple[str, str]] = []

    def before_test(self, runner: Runner) -> None:
        """Start counting anew."""
        self._seen = 0
        self._drawn = []

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Optional[Sequence[GroundingDataSample]] = None,
    ) -> None:
        """Draw those samples of the batch whose turn it is."""
        if self.enable:
            for sample in self._turns(runner.test_dataloader, outputs):
                self._draw(runner, sample)

    def before_val(self, runner: Runner) -> None:
        """Start counting anew."""
        self._seen = 0

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Optional[Sequence[GroundingDataSample]] = None,
    ) -> None:
        """Show those samples of the batch whose turn it is to the backends."""
        if self.during_val:
            for sample in self._turns(runner.val_dataloader, outputs):
                self._visualizer(runner).add_datasample(
                    f'val_{file_name(sample.query_id)}',
                    data_sample=sample,
                    video_path=self._video_path(sample),
                    top_k=self.top_k,
                    step=runner.epoch,
                )

    def after_test_epoch(self, runner: Runner, metrics: Optional[dict] = None) -> None:
        """Write the page."""
        if not self._drawn:
            return
        pictures = '\n'.join(
            f'<img src="{html.escape(name)}" alt="{html.escape(query)}">'
            for name, query in self._drawn
        )
        total = len(runner.test_dataloader.dataset)
        page = _PAGE.format(count=len(self._drawn), total=total, pictures=pictures)
        path = osp.join(self._folder(runner), 'index.html')
        write_atomic(path, page.encode())
        runner.logger.info(f'{len(self._drawn)} timeline pictures: {path}')

    def _turns(
        self, loader: Any, outputs: Optional[Sequence[GroundingDataSample]]
    ) -> Iterator[GroundingDataSample]:
        """Those samples of a batch that are drawn; counts them all."""
        if not is_main_process():
            return
        own = -(-len(loader.dataset) // get_world_size())
        count = min(self.num_pictures, own)
        chosen = {index * own // count for index in range(count)}
        for sample in outputs or ():
            self._seen += 1
            if self._seen - 1 in chosen:
                yield sample

    def _folder(self, runner: Runner) -> str:
        return osp.join(runner.work_dir, self.out_dir)

    def _visualizer(self, runner: Runner) -> GroundingVisualizer:
        if isinstance(runner.visualizer, GroundingVisualizer):
            return runner.visualizer
        return GroundingVisualizer(name='timeline')

    def _video_path(self, sample: GroundingDataSample) -> Optional[str]:
        if self.video_dir is None:
            return sample.get('video_path')
        return osp.join(self.video_dir, f'{sample.video_id}{self.suffix}')

    def _draw(self, runner: Runner, sample: GroundingDataSample) -> None:
        name = file_name(sample.query_id)
        self._visualizer(runner).add_datasample(
            name,
            data_sample=sample,
            video_path=self._video_path(sample),
            top_k=self.top_k,
            out_file=osp.join(self._folder(runner), f'{name}.png'),
        )
        self._drawn.append((f'{name}.png', sample.get('query', '')))
