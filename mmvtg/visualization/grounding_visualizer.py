"""mmengine's visualizer for grounding samples."""

import os.path as osp
from typing import Any, Optional

import numpy as np
from mmengine.dist import master_only
from mmengine.logging import MMLogger
from mmengine.visualization import LocalVisBackend, Visualizer

from mmvtg.registry import VISUALIZERS
from mmvtg.structures import GroundingDataSample

from .text import format_time
from .thumbnails import read_thumbnails, spread_thumbnails
from .timeline import Timeline, draw_timeline


@VISUALIZERS.register_module()
class GroundingVisualizer(Visualizer):
    """Draws the timeline picture of a sample, into a file, a window and the backends.

    Args:
        name (str): Of mmengine.
        top_k (int): How many predicted moments a picture shows.
        **kwargs: Of mmengine's Visualizer.
    """

    def __init__(self, name: str = 'visualizer', top_k: int = 5, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.top_k = top_k

    @master_only
    def add_datasample(
        self,
        name: str,
        image: Optional[np.ndarray] = None,
        data_sample: Optional[GroundingDataSample] = None,
        video_path: Optional[str] = None,
        top_k: Optional[int] = None,
        out_file: Optional[str] = None,
        show: bool = False,
        wait_time: float = 0.0,
        step: int = 0,
        **kwargs: Any,
    ) -> np.ndarray:
        """Draw one sample.

        Args:
            name (str): Under which the backends store the picture.
            image (ndarray, optional): (T, H, W, 3) uint8 RGB frames of the video,
                evenly spaced.
            data_sample (GroundingDataSample): With predictions, annotation, or both.
            video_path (str, optional): Where to read thumbnails, if there are no
                frames. Without either, or if it cannot be read, there is no strip.
            top_k (int, optional): Instead of the visualizer's.
            out_file (str, optional): PNG file. If given, backends that only write
                files get nothing; TensorBoard and its like get the picture in any case.
            show (bool): Open a window with the picture.
            wait_time (float): Seconds until the window closes; 0: until a key is hit.
            step (int): For the backends.
            **kwargs: Ignored; other visualizers' options.

        Returns:
            ndarray: (H, W, 3) uint8 RGB.

        Raises:
            ValueError: If there is no sample.
        """
        if data_sample is None:
            raise ValueError('GroundingVisualizer.add_datasample needs a data_sample')
        thumbnails = None
        if image is not None:
            thumbnails = spread_thumbnails(image)
        elif video_path is not None:
            thumbnails = _thumbnails_or_none(video_path, data_sample.duration)
        timeline = timeline_of(data_sample, thumbnails)
        picture = draw_timeline(timeline, top_k or self.top_k, out_file)
        self.set_image(picture)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        for backend in self._vis_backends.values():
            if out_file is None or not isinstance(backend, LocalVisBackend):
                backend.add_image(name, picture, step)
        return picture


def timeline_of(
    sample: GroundingDataSample, thumbnails: Optional[np.ndarray] = None
) -> Timeline:
    """What a timeline picture shows of a sample.

    Args:
        sample (GroundingDataSample): Predictions and annotation, where present.
        thumbnails (ndarray, optional): (n, H, W, 3) uint8 RGB.

    Returns:
        Timeline: To be drawn.
    """
    length = f'{round(sample.duration, 1):g} s'
    if sample.duration >= 60:
        length = format_time(sample.duration, sample.duration)
    caption = [str(sample.get('video_id', '')), length]
    query_id = str(sample.get('query_id', ''))
    # whoever asks a video of his own does not know that queries have numbers
    if 'gt_moments' in sample and query_id not in ('', caption[0]):
        caption.insert(1, f'query {query_id}')
    timeline = dict(
        query=sample.get('query', ''),
        duration=float(sample.duration),
        caption=' · '.join(text for text in caption if text),
        fps=sample.get('fps', 1.0),
        thumbnails=thumbnails,
    )
    if 'pred_moments' in sample:
        timeline['spans'] = _array(sample.pred_moments.spans)
        timeline['scores'] = _array(sample.pred_moments.scores)
    if 'gt_moments' in sample and len(sample.gt_moments.spans):
        timeline['annotated'] = _array(sample.gt_moments.spans)
    if 'pred_saliency' in sample:
        timeline['saliency'] = _array(sample.pred_saliency)
    scores = sample.get('annotator_scores')
    if scores is not None and len(scores):
        mean = _array(scores).mean(axis=1)
        timeline['annotated_saliency'] = mean - min(mean.min(), 0)
        length = sample.get('saliency_clip_length') or 1 / timeline['fps']
        timeline['annotated_fps'] = 1 / length
    return Timeline(**timeline)


def _array(values: Any) -> np.ndarray:
    if hasattr(values, 'detach'):
        values = values.detach().cpu().float().numpy()
    return np.asarray(values, dtype=float)


def _thumbnails_or_none(path: str, duration: float) -> Optional[np.ndarray]:
    """Return thumbnails, or None, because a picture without frames is still useful."""
    if not osp.exists(path):
        return None
    try:
        return read_thumbnails(path, duration)
    except RuntimeError as error:
        MMLogger.get_current_instance().warning(f'The picture has no frames: {error}')
        return None
