"""Frames of a video file at the clip rate."""

import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmvtg.registry import TRANSFORMS
from mmvtg.video.clips import FrameSource, VideoItem


@TRANSFORMS.register_module()
class LoadVideo(BaseTransform):
    """Decode one frame per clip, the one nearest to the start of the clip.

    There are ``num_clips(duration, fps)`` clips. Frames are decoded at full size,
    scaled by PIL (short side to ``size``, bicubic, antialiased) and center-cropped,
    which is CLIP's own preprocessing.

    Required keys: ``video_path``, a file or a folder of images, one per clip;
    optionally ``video_id`` for messages.

    Added keys: ``frames`` (T, 3, size, size) uint8 RGB Tensor; ``num_clips`` (int);
    ``video_duration`` (float, seconds).

    Args:
        fps (float): Clips per second.
        size (int): Height and width of the output, pixels.
        num_threads (int): Decoder threads; 0 lets the decoder choose.
        backend (str): ``'auto'`` (PyAV), ``'pyav'``, or ``'decord'``, which reads
            videos of a constant frame rate only; see :func:`mmvtg.video.open_video`.

    Raises:
        ValueError: If ``fps`` or ``size`` is not positive.
    """

    def __init__(
        self, fps: float, size: int = 224, num_threads: int = 1, backend: str = 'auto'
    ) -> None:
        if fps <= 0 or size < 1:
            raise ValueError(
                f'LoadVideo: fps and size must be positive, got {fps} and {size}'
            )
        self.fps = fps
        self.size = size
        self.num_threads = num_threads
        self.backend = backend

    def transform(self, results: dict) -> dict:
        """Decode ``results['video_path']``.

        Raises:
            BadSampleError: If the file is missing, damaged, or shorter than a clip.
        """
        frames, duration = load_frames(
            results['video_path'],
            self.fps,
            self.size,
            self.num_threads,
            results.get('video_id'),
            self.backend,
        )
        results['frames'] = frames
        results['num_clips'] = len(frames)
        results['video_duration'] = duration
        return results

    def __repr__(self) -> str:
        return f'LoadVideo(fps={self.fps}, size={self.size}, backend={self.backend!r})'


def load_frames(
    path: str,
    fps: float,
    size: int,
    num_threads: int = 1,
    video_id: str | None = None,
    backend: str = 'auto',
) -> tuple[Tensor, float]:
    """Decode a video at ``fps`` clips per second.

    Args:
        path (str): Video file or folder of images.
        fps (float): Clips per second.
        size (int): Height and width of the output, pixels.
        num_threads (int): Decoder threads; 0 lets the decoder choose.
        video_id (str, optional): Name of the video in messages.
        backend (str): See :func:`mmvtg.video.open_video`.

    Returns:
        tuple: frames (T, 3, size, size) uint8 RGB, and the duration in seconds.

    Raises:
        BadSampleError: If the file is missing, damaged, or shorter than a clip.
    """
    source = FrameSource(size, fps, backend=backend)
    item = VideoItem(video_id, path)
    with source.open(item, num_threads=num_threads) as reader:
        return torch.from_numpy(reader.read(0, len(reader))), reader.duration
