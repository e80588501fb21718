"""Decoded frames of any pixel format -> RGB as a player shows it."""

from fractions import Fraction

import av
import numpy as np

#: Larger frames are scaled down while they are converted, pixels: 8K would need 370 MiB
#: as RGB, as an array and as an image (4K has 8 million pixels, 8K 33 million).
_MAX_PIXELS = 2**24
#: FFmpeg starts its own threads for each frame otherwise, which costs more than it
#: saves, and a frame that lives until a fork waits there for threads that do not exist.
_THREADS = 1


def shown_size(frame: av.VideoFrame, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Return height and width of a frame after rotation, with square pixels.

    Args:
        frame (VideoFrame): Frame of any pixel format.
        pixel_aspect (Fraction | None): Width / height of a pixel.
    """
    width = frame.width
    if pixel_aspect and pixel_aspect != 1:
        width = max(round(width * pixel_aspect), 1)
    size = frame.height, width
    return size[::-1] if _quarter_turns(frame) % 2 else size


def to_rgb(
    frame: av.VideoFrame, pixel_aspect: Fraction | None, size: tuple[int, int] | None
) -> np.ndarray:
    """Return a decoded frame as a player shows it, (H, W, 3) uint8 RGB.

    Colors are those of ``ffmpeg -pix_fmt rgb24``; rotation and sample aspect ratio are
    applied.

    Args:
        frame (VideoFrame): Frame of any pixel format.
        pixel_aspect (Fraction | None): Width / height of a pixel.
        size (tuple[int, int] | None): Height and width wanted, pixels.
    """
    turns = _quarter_turns(frame)
    height, width = size or shown_size(frame, pixel_aspect)
    if turns % 2:
        height, width = width, height
    scale = min((_MAX_PIXELS / (height * width)) ** 0.5, 1.0)
    height, width = max(int(height * scale), 1), max(int(width * scale), 1)
    if max(part.bits for part in frame.format.components) > 8:
        rgb = _filtered(frame, height, width)
    else:
        rgb = frame.reformat(
            width, height, format='rgb24', interpolation='BICUBIC', threads=_THREADS
        )
    return np.rot90(rgb.to_ndarray(), turns)


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Return how often a frame is turned counterclockwise by 90 degrees."""
    return round(frame.rotation / 90) % 4


def _filtered(frame: av.VideoFrame, height: int, width: int) -> av.VideoFrame:
    """Convert by ffmpeg's own filters, which know where the chroma of 10 bits lies."""
    graph = av.filter.Graph()
    graph.threads = _THREADS
    source = graph.add(
        'buffer',
        video_size=f'{frame.width}x{frame.height}',
        pix_fmt=frame.format.name,
        time_base='1/1000',
        colorspace=str(int(frame.colorspace)),
        range=str(int(frame.color_range)),
    )
    steps = graph.add('scale', f'{width}:{height}'), graph.add('format', 'rgb24')
    graph.link_nodes(source, *steps, graph.add('buffersink')).configure()
    graph.push(frame)
    rgb = graph.pull()
    assert isinstance(rgb, av.VideoFrame)
    return rgb
