"""Decodes the frames of a video file at the clip rate."""

import os.path as osp
from typing import Dict, List, Optional, Sequence, Tuple

import decord
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from PIL import Image
from torch import Tensor

from mmvtg.datasets.errors import BadSampleError
from mmvtg.registry import TRANSFORMS
from mmvtg.structures import num_clips
from mmvtg.utils.decoding import DECODER_ERRORS

_BULK = 32  # full-size frames held at once


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


class FrameReader:
    """Frames of one video at the clip rate, decoded when they are asked for.

    ``len()`` is the number of clips. Opening reads the container, no frame.

    Args:
        path (str): Video file.
        fps (float): Clips per second.
        size (int): Output height and width, pixels.
        num_threads (int): Decoder threads.
        video_id (str, optional): For messages.

    Attributes:
        duration (float): Of the video, seconds.

    Raises:
        BadSampleError: The file is missing, empty, broken, or shorter than a clip.
    """

    def __init__(
        self,
        path: str,
        fps: float,
        size: int,
        num_threads: int = 1,
        video_id: Optional[str] = None,
    ) -> None:
        self.path, self.size, self.video_id = path, size, video_id
        self._reader = _open(path, num_threads, video_id)
        source_fps = float(self._reader.get_avg_fps())
        self.duration = len(self._reader) / source_fps
        total = num_clips(self.duration, fps)
        if total == 0:
            raise BadSampleError(
                f'{_name(path, video_id)} is {self.duration:.3f} s long, less than one '
                f'clip of {1 / fps:g} s: leave it out, or raise fps'
            )
        self._index = frame_indices(total, fps, source_fps, len(self._reader))

    def __len__(self) -> int:
        return len(self._index)

    def read(self, start: int, stop: int) -> Tensor:
        """Decode the frames of clips ``start`` to ``stop - 1``.

        Returns:
            Tensor: (stop - start, 3, size, size) uint8 RGB.

        Raises:
            BadSampleError: The video breaks off.
        """
        return self.take(range(start, stop))

    def take(self, clips: Sequence[int]) -> Tensor:
        """As :meth:`read`, the frames of any clips, ascending."""
        wanted = [self._index[clip] for clip in clips]
        out = torch.empty(len(wanted), 3, self.size, self.size, dtype=torch.uint8)
        for first in range(0, len(wanted), _BULK):
            bulk = wanted[first : first + _BULK]
            images = _decode(self._reader, bulk, self.path, self.video_id)
            for i, image in enumerate(images, first):
                out[i] = torch.from_numpy(_resize(image, self.size)).permute(2, 0, 1)
        return out


def frame_indices(
    total: int, fps: float, source_fps: float, num_frames: int
) -> List[int]:
    """Source frame of each clip: the one nearest to the time ``i / fps``."""
    return [min(round(i * source_fps / fps), num_frames - 1) for i in range(total)]


def probe_video(path: str) -> Tuple[float, float, int]:
    """Length of a video without decoding it.

    Returns:
        tuple: duration (seconds), frames per second, number of frames.

    Raises:
        BadSampleError: The file is missing, empty or broken.
    """
    reader = _open(path, 1, None)
    rate = float(reader.get_avg_fps())
    return len(reader) / rate, rate, len(reader)


def _name(path: str, video_id: Optional[str]) -> str:
    return f'video {path}' if video_id is None else f'video {video_id} ({path})'


def _open(path: str, num_threads: int, video_id: Optional[str]) -> decord.VideoReader:
    name = _name(path, video_id)
    if not osp.isfile(path):
        raise BadSampleError(
            f'{name} does not exist: check data_root and data_prefix, or download it'
        )
    if osp.getsize(path) == 0:
        raise BadSampleError(f'{name} is empty (0 bytes): download it again')
    try:
        reader = decord.VideoReader(path, ctx=decord.cpu(0), num_threads=num_threads)
        readable = len(reader) > 0 and reader.get_avg_fps() > 0
    except DECODER_ERRORS as error:
        raise BadSampleError(
            f'{name} cannot be opened ({_first_line(error)}); it is truncated or no '
            'video: download it again, or re-encode it with ffmpeg'
        ) from error
    if not readable:
        raise BadSampleError(f'{name} holds no frames: download it again')
    return reader


def _decode(
    reader: decord.VideoReader, index: List[int], path: str, video_id: Optional[str]
) -> np.ndarray:
    try:
        return reader.get_batch(index).asnumpy()
    except DECODER_ERRORS as error:
        raise BadSampleError(
            f'{_name(path, video_id)} breaks off between frames {index[0]} and '
            f'{index[-1]} of {len(reader)} ({_first_line(error)}); it is truncated or '
            'corrupt: download it again, or re-encode it with ffmpeg'
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, 3) uint8 -> (size, size, 3): short side scaled, then the centre."""
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    if width <= height:
        shape = (size, int(size * height / width))
    else:
        shape = (int(size * width / height), size)
    scaled = Image.fromarray(image).resize(shape, Image.BICUBIC)
    left = round((shape[0] - size) / 2)
    top = round((shape[1] - size) / 2)
    return np.array(scaled.crop((left, top, left + size, top + size)))
