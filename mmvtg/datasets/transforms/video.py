"""Decodes the frames of a video file at the clip rate."""

from typing import Dict, Optional, Sequence, Tuple

import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmvtg.registry import TRANSFORMS
from mmvtg.video import readers


@TRANSFORMS.register_module()
class LoadVideo(BaseTransform):
    """Reads one frame a clip: frame ``round(i * source_fps / fps)`` for clip ``i``.

    There are ``num_clips(duration, fps)`` clips, duration being the file's frame count
    over its frame rate. Frames are decoded at full size, scaled by PIL (short side to
    ``size``, bicubic, antialiased) and centre-cropped, which is CLIP's own
    preprocessing; scaling inside the decoder is no faster and differs by up to 18 of
    255 levels.

    Required keys: ``video_path``; optionally ``video_id`` for messages.

    Added keys: ``frames`` (T, 3, size, size) uint8 Tensor, RGB; ``num_clips`` (int);
    ``video_duration`` (float, seconds).

    Args:
        fps (float): Clips per second.
        size (int): Height and width of the output, pixels.
        num_threads (int): Decoder threads; 0 leaves it to the decoder.
    """

    def __init__(self, fps: float, size: int = 224, num_threads: int = 1) -> None:
        if fps <= 0 or size < 1:
            raise ValueError(
                f'LoadVideo: fps={fps}, size={size}: both must be positive'
            )
        self.fps = fps
        self.size = size
        self.num_threads = num_threads

    def transform(self, results: Dict) -> Dict:
        """Decode ``results['video_path']``.

        Raises:
            BadSampleError: The file is missing, empty, broken, or shorter than a clip.
        """
        name = results.get('video_id')
        frames, duration = load_frames(
            results['video_path'], self.fps, self.size, self.num_threads, name
        )
        results['frames'] = frames
        results['num_clips'] = len(frames)
        results['video_duration'] = duration
        return results

    def __repr__(self) -> str:
        return f'LoadVideo(fps={self.fps}, size={self.size})'


def load_frames(
    path: str,
    fps: float,
    size: int,
    num_threads: int = 1,
    video_id: Optional[str] = None,
) -> Tuple[Tensor, float]:
    """Decode a video at ``fps`` clips per second.

    Args:
        path (str): Video file.
        fps (float): Clips per second.
        size (int): Output height and width, pixels.
        num_threads (int): Decoder threads.
        video_id (str, optional): For messages.

    Returns:
        tuple: frames (T, 3, size, size) uint8 RGB, and the duration in seconds.

    Raises:
        BadSampleError: The file is missing, empty, broken, or shorter than a clip.
    """
    reader = FrameReader(path, fps, size, num_threads, video_id)
    return reader.read(0, len(reader)), reader.duration


class FrameReader(readers.FrameReader):
    """As :class:`mmvtg.video.readers.FrameReader`, with tensors."""

    def take(self, clips: Sequence[int]) -> Tensor:
        """Frames (n, 3, size, size) uint8 RGB of any clips, ascending."""
        return torch.from_numpy(super().take(clips))
