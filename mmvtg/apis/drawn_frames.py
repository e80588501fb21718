"""A video file as draws of frames, which is how recognisers see short videos."""

import os.path as osp
from typing import Any, Callable, Dict, Optional

import torch
from mmengine.config import ConfigDict
from torch import Tensor

from mmvtg.datasets.transforms.frame_draws import DrawVideoFrames
from mmvtg.registry import TRANSFORMS
from mmvtg.video.apart import ApartFrames
from mmvtg.video.source import FrameSource, VideoItem

from .inputs import Segment
from .model_loading import clip_rate, test_pipeline
from .vision_tower import VisionTower, encode_frames

#: Transforms that draw frames; the first one draws of a store.
DRAW_STEPS = ('DrawStoredFrames', 'DrawVideoFrames')


class DrawnFrames:
    """What a data set of stored frames draws of a video, drawn of its file.

    Frames that no draw wants are not decoded. A draw depends on the name of the video,
    as in a data set: the answer for a file is always the same.

    Args:
        cfg (ConfigDict): With ``DrawStoredFrames`` in its test pipeline, whose frames
            a tower reads, or ``DrawVideoFrames``, for a model that reads frames itself.
        build_tower (Callable): Makes that tower, for the former.
        fps (float, optional): Frames per second of the store, if not the config's.

    Raises:
        ValueError: No frames are drawn, no frame rate is known, or the tower couples
            frames with neighbours that may not be drawn.
    """

    def __init__(
        self,
        cfg: ConfigDict,
        build_tower: Callable[[], VisionTower],
        fps: Optional[float] = None,
    ) -> None:
        step = _draw_step(cfg)
        self.tower: Optional[VisionTower] = None
        if step['type'] == 'DrawStoredFrames':
            self.tower = build_tower()
            size = cfg.feature_extractor.frame_size
            step.update(type='DrawVideoFrames', fps=clip_rate(cfg, fps), size=size)
        if getattr(self.tower, 'couples_frames', False):
            raise ValueError(
                "the tower's hooks couple neighbouring frames, and of those that are "
                'drawn they are other ones than of a whole video'
            )
        self.draws: DrawVideoFrames = TRANSFORMS.build(step)

    def check(self, path: str, segment: Optional[Segment] = None) -> None:
        """Open a video and read no frame.

        Raises:
            BadSampleError: It cannot be opened, or is shorter than a frame.
            ValueError: The segment (s) lies behind its end.
        """
        duration = self._open(self.describe(path, segment)).duration
        if segment is not None and segment[0] >= duration:
            raise ValueError(
                f'video {path} ends at {duration:g} s, before the segment '
                f'{list(segment)} begins'
            )

    def __call__(self, path: str, segment: Optional[Segment] = None) -> Dict[str, Any]:
        """``video`` (K, T, C), or frames (K, T, 3, H, W), and ``frame_gap`` (K,)."""
        results = self.describe(path, segment)
        images, place, gaps = self.draws.read(results, self._open(results))
        rows = images if self.tower is None else self._encode(images)
        results['video'] = rows[torch.from_numpy(place)]
        results['frame_gap'] = torch.from_numpy(gaps)
        return results

    @staticmethod
    def describe(path: str, segment: Optional[Segment] = None) -> Dict[str, Any]:
        """The sample that a data set would hand to its pipeline."""
        name = osp.splitext(osp.basename(path))[0]
        if segment is not None:
            name = f'{name} {segment[0]:g}-{segment[1]:g}'
        return dict(video_id=name, video_path=path, window=segment)

    def _open(self, results: Dict[str, Any]) -> ApartFrames:
        """Frames that another process decodes, as decoders crash on some files."""
        item = VideoItem(results['video_id'], results['video_path'])
        return ApartFrames(item, FrameSource(self.draws.size, self.draws.fps))

    @torch.inference_mode()
    def _encode(self, frames: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 -> what a feature store holds, (N, C) as float32."""
        tower = self.tower
        assert tower is not None
        chunks = frames.split(tower.chunk_size)
        rows = torch.cat([encode_frames(tower, chunk).cpu() for chunk in chunks])
        if rows.dtype == torch.uint8:
            return rows  # a store of frames
        if rows.dim() != 2:
            raise ValueError(
                f'the tower gives {tuple(rows.shape[1:])} a frame; the model wants one '
                'vector: use a tower without LayerTap'
            )
        return rows.float()


def _draw_step(cfg: ConfigDict) -> dict:
    """The transform of the test pipeline that draws frames."""
    for step in test_pipeline(cfg):
        if step['type'] in DRAW_STEPS:
            return dict(step)
    raise ValueError(
        f"the config's test pipeline has none of {', '.join(DRAW_STEPS)}, so it does "
        'not say which frames the model wants to see'
    )
