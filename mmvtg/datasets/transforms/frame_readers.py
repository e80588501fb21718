"""Which frame of a clip is read: the first one, or the one in its middle."""

from typing import Optional, Sequence, Union

import torch
from torch import Tensor

from mmvtg.video import readers

from .video import FrameReader


class MiddleFrameReader(readers.MiddleFrameReader):
    """As :class:`mmvtg.video.readers.MiddleFrameReader`, with tensors."""

    def take(self, clips: Sequence[int]) -> Tensor:
        """Frames (n, 3, size, size) uint8 RGB of any clips, ascending."""
        return torch.from_numpy(super().take(clips))


def open_frames(
    sampling: str, path: str, fps: float, size: int, video_id: Optional[str] = None
) -> Union[FrameReader, MiddleFrameReader]:
    """A reader of one frame a clip; see :class:`FrameReader`.

    Args:
        sampling (str): ``start``: the first frame of each clip; ``middle``: the last
            one before its middle.
        path (str): Video file.
        fps (float): Clips per second.
        size (int): Height and width of frames, pixels.
        video_id (str, optional): For messages.

    Raises:
        BadSampleError: The file is missing, empty, broken, or shorter than a clip.
    """
    reader = dict(start=FrameReader, middle=MiddleFrameReader)[sampling]
    return reader(path, fps, size, 1, video_id)
