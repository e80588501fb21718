"""The timeline film: the video, with its timeline under the frames."""

import os.path as osp
from functools import lru_cache
from itertools import chain

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmvtg.utils.files import replacing
from mmvtg.video.decoding import DecodedVideo
from mmvtg.video.pictures import FilmSource

from .frames import open_pictures
from .panels import BLUE
from .text import format_time, time_decimals
from .timeline import PixelBox, Timeline, draw_panels
from .video_writer import VideoWriter

_FRAME_WIDTH, _FRAME_HEIGHT = 1200, 600  # room for frames, pixels
_FLAG = 30  # height of the row in which the playhead's time runs, pixels


def write_timeline_video(
    timeline: Timeline,
    video_path: str,
    out_file: str,
    top_k: int = 5,
    max_fps: float = 15.0,
    frame_rate: float | None = None,
) -> None:
    """Write a video with its timeline burned in, without sound.

    The query is on top, then come the frames, then moments and saliency over time, with
    a line that moves along. While a predicted moment plays, the frame has a blue edge
    and a label with the rank and the score of the moment.

    Args:
        timeline (Timeline): Query, moments and saliency; its thumbnails are not shown.
        video_path (str): Video file or folder of images.
        out_file (str): MP4 file; written completely or not at all.
        top_k (int): Maximum number of predicted moments.
        max_fps (float): Maximum frames per second.
        frame_rate (float, optional): Images per second of a folder of images.

    Raises:
        RuntimeError: If the video cannot be read.
        ValueError: If ``max_fps`` is not positive, or if a folder of images comes
            without ``frame_rate``.
    """
    if not max_fps > 0:
        raise ValueError(f'write_timeline_video: max_fps must be > 0, got {max_fps}')
    scene = _Scene(timeline, top_k)
    source = FilmSource(max_fps, _FRAME_WIDTH, _FRAME_HEIGHT)
    with (
        replacing(out_file) as path,
        open_pictures(video_path, source, frame_rate) as video,
    ):
        _write(video, scene, path)


def _write(video: DecodedVideo, scene: '_Scene', path: str) -> None:
    fps = len(video) / video.duration
    frames = (frame for chunk in video.chunks() for frame in chunk)
    first = next(frames)
    with VideoWriter(path, fps, *scene.fit(*first.shape[:2])) as writer:
        for index, frame in enumerate(chain([first], frames)):
            writer.write(scene.draw(frame, index / fps))


class _Scene:
    """The pictures of the film."""

    def __init__(self, timeline: Timeline, top_k: int) -> None:
        self.timeline = timeline
        self.spans = timeline.spans[:top_k]
        timeline = Timeline(**{**vars(timeline), 'thumbnails': None})
        picture, self.box = draw_panels(timeline, top_k)
        self.header, self.panels = picture[: self.box.top], picture[self.box.top :]

    def fit(self, height: int, width: int) -> tuple[int, int]:
        """Lay the film out for frames of a size; return its height and width, even."""
        scale = min(_FRAME_WIDTH / width, _FRAME_HEIGHT / height)
        self.frame_size = max(round(width * scale), 1), max(round(height * scale), 1)
        header, frame = len(self.header), self.frame_size[1]
        total = header + frame + _FLAG + len(self.panels)
        self.background = np.full((total + total % 2, _FRAME_WIDTH, 3), 255, np.uint8)
        self.background[:header] = self.header
        self.background[header : header + frame] = 24
        self.background[header + frame + _FLAG :][: len(self.panels)] = self.panels
        return self.background.shape[:2]

    def draw(self, frame: np.ndarray, time: float) -> np.ndarray:
        """Return the picture at a time (s), (H, 1200, 3) uint8 RGB."""
        image = Image.fromarray(self.background)
        pen = ImageDraw.Draw(image)
        scaled = Image.fromarray(frame).resize(
            self.frame_size, Image.Resampling.BILINEAR
        )
        left, top = (_FRAME_WIDTH - scaled.width) // 2, len(self.header)
        image.paste(scaled, (left, top))
        place = PixelBox(left, top, left + scaled.width, top + scaled.height)
        self._mark_moment(pen, place, time)
        self._draw_playhead(pen, place.bottom, time)
        return np.asarray(image)

    def _mark_moment(
        self, pen: ImageDraw.ImageDraw, box: PixelBox, time: float
    ) -> None:
        inside = [i for i, (a, b) in enumerate(self.spans) if a <= time < b]
        if not inside:
            return
        sides = (box.left, box.top, box.right - 1, box.bottom - 1)
        pen.rectangle(sides, outline=BLUE, width=6)
        score = self.timeline.scores[inside[0]]
        text = f'predicted {inside[0] + 1}, score {score:.2f}'
        _label(pen, (box.left + 16, box.top + 14), text, BLUE, 'la')

    def _draw_playhead(self, pen: ImageDraw.ImageDraw, top: int, time: float) -> None:
        duration, box = self.timeline.duration, self.box
        x = box.left + min(time / duration, 1.0) * (box.right - box.left)
        bottom = top + _FLAG + box.bottom - box.top
        pen.line((x, top + _FLAG - 4, x, bottom), fill='#111111', width=2)
        text = format_time(time, duration, time_decimals(duration))
        _label(pen, (x, top + _FLAG // 2), text, '#111111', 'mm')


def _label(
    pen: ImageDraw.ImageDraw, place: tuple, text: str, color: str, anchor: str
) -> None:
    left, top, right, bottom = pen.textbbox(place, text, font=_font(), anchor=anchor)
    pen.rounded_rectangle((left - 6, top - 4, right + 6, bottom + 4), 5, fill=color)
    pen.text(place, text, fill='white', font=_font(), anchor=anchor)


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    path = osp.join(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSans.ttf')
    return ImageFont.truetype(path, 16)
