"""Pictures of what a detector saw in test videos."""

import os.path as osp
from typing import Any, Optional, Sequence

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvtg.registry import HOOKS
from mmvtg.structures import GroundingDataSample

from .detections import draw_detections
from .picture_files import file_name


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
            name = f'{file_name(sample.video_id)}.png'
            path = osp.join(runner.work_dir, self.out_dir, name)
            draw_detections(sample, path, self.top_k)
            self._drawn += 1
