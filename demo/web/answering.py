"""What the web demo does, without the web: check a video, ask a model."""

import os
import os.path as osp
from collections.abc import Sequence
from threading import Event, Timer
from typing import NamedTuple

import numpy as np

from mmvtg.apis import VTGInferencer
from mmvtg.datasets.errors import BadSampleError
from mmvtg.models.towers.clip_weights import SHIPPED_LIMITS
from mmvtg.video.clips import FrameSource, VideoItem
from mmvtg.video.decoding import DecodedVideo
from mmvtg.video.listing import is_video, printable
from mmvtg.video.processes import DecodingProcess
from mmvtg.visualization import read_thumbnails, timeline_of
from mmvtg.visualization.text import format_time, time_decimals
from mmvtg.visualization.timeline import PixelBox, draw_panels

_DEADLINE = 30.0  # seconds without progress after which a video is refused
MAX_QUERY = 500  # characters


class Trouble(ValueError):
    """Something that the person at the browser can mend; the message says how."""


class Answer(NamedTuple):
    """What one model says.

    Args:
        picture (ndarray): (H, W, 3) uint8 RGB, the timeline.
        panels (PixelBox): Where in it the video's time runs.
        duration (float): Of the video, seconds.
        rows (list[list[str]]): Rank, start, end, score of the best moments.
        starts (list[float]): Of the same moments, seconds.
        note (str): A sentence.
    """

    picture: np.ndarray
    panels: PixelBox
    duration: float
    rows: list[list[str]]
    starts: list[float]
    note: str


def check_video(path: str | None, max_seconds: float) -> float:
    """Open a video in a process that can be ended, before a model reads it.

    Returns:
        float: Duration of the video, seconds.

    Raises:
        Trouble: If there is no video, or if it is too long or cannot be opened.
    """
    if not path or not osp.isfile(path):
        raise Trouble('choose or upload a video first')
    process = DecodingProcess(_DEADLINE)
    item, source = VideoItem(None, path), FrameSource(64, 1.0)
    late = Event()

    def end() -> None:  # a decoder may make progress for ever
        late.set()
        process.kill()

    alarm = Timer(2 * _DEADLINE, end)
    alarm.start()
    try:
        with DecodedVideo(item, source, 0, process.decode) as video:
            duration = video.duration
    except BadSampleError as error:
        if late.is_set():
            raise Trouble(
                f'the video cannot be used: it did not open in {2 * _DEADLINE:.0f} s'
            ) from error
        raise _unusable(path, error) from error
    finally:
        alarm.cancel()
        process.stop()
    if duration > max_seconds:
        raise Trouble(
            f'the video cannot be used: it lasts {duration:.0f} s, {max_seconds:.0f} s '
            'are allowed here'
        )
    return duration


def _unusable(path: str, error: BadSampleError) -> Trouble:
    """Without the name that the video has here."""
    reason = str(error).replace(f'video {path}', 'it').replace(path, 'it')
    return Trouble(f'the video cannot be used: {reason}')


class Models:
    """Models by the name that the page shows, loaded when they are first asked.

    Args:
        sources (Sequence[tuple]): (config or name, weights or None) of each.
        device (str, optional): Default is an accelerator if there is one.
    """

    def __init__(
        self,
        sources: Sequence[tuple[str, str | None]],
        device: str | None = None,
    ) -> None:
        self.device = device
        self._sources: dict[str, tuple[str, str | None]] = {}
        self._loaded: dict[str, VTGInferencer] = {}
        for config, weights in sources:
            name = osp.basename(config).removesuffix('.py')
            if name in self._sources and weights:  # two checkpoints of one config
                name += f', {osp.basename(weights)}'
            while name in self._sources:
                name += ' (another)'
            self._sources[name] = (config, weights)

    @property
    def names(self) -> list[str]:
        return list(self._sources)

    def __getitem__(self, name: str) -> VTGInferencer:
        """A loaded model.

        Raises:
            Trouble: It cannot be loaded.
        """
        if name not in self._loaded:
            config, weights = self._sources[name]
            try:
                self._loaded[name] = VTGInferencer(config, weights, self.device)
            except (OSError, ValueError) as error:
                raise Trouble(f'model {name} cannot be loaded: {error}') from error
        return self._loaded[name]


def find_videos(folder: str | None) -> dict[str, str]:
    """Name -> path of the videos in a folder that the page offers.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    if not folder:
        return {}
    if not osp.isdir(folder):
        raise FileNotFoundError(f'there is no folder {folder}')
    paths = {name: osp.join(folder, name) for name in sorted(os.listdir(folder))}
    return {
        printable(name): osp.abspath(path)
        for name, path in paths.items()
        if is_video(name) and osp.isfile(path)
    }


def check_query(query: object) -> str:
    """Return a query without superfluous blanks.

    Raises:
        Trouble: If it is empty, or longer than :data:`MAX_QUERY`. The page has the same
            limit, but requests need not come from the page.
    """
    text = ' '.join(query[: 2 * MAX_QUERY].split()) if isinstance(query, str) else ''
    if not text:
        raise Trouble('type what happens in the video, such as "a man opens a door"')
    if len(text) > MAX_QUERY or len(query) >= 2 * MAX_QUERY:
        raise Trouble(f'the query is too long: {MAX_QUERY} characters are allowed')
    return text


def ask(inferencer: VTGInferencer, video: str, query: str, top_k: int = 5) -> Answer:
    """Ask one model.

    Raises:
        Trouble: If the query is bad, or the video cannot be used.
    """
    query = check_query(query)
    try:
        result = inferencer(video, query, return_datasamples=True, on_error='raise')
    except BadSampleError as error:
        raise _unusable(video, error) from error
    (sample,) = result['predictions']
    try:
        frames = read_thumbnails(video, sample.duration)
    except RuntimeError:
        frames = None  # a timeline without pictures is better than none
    picture, panels = draw_panels(timeline_of(sample, frames), top_k)
    moments = sample.pred_moments
    spans, scores = moments.spans[:top_k].tolist(), moments.scores[:top_k].tolist()
    decimals = time_decimals(sample.duration)
    rows = [
        [
            str(rank),
            format_time(start, sample.duration, decimals),
            format_time(end, sample.duration, decimals),
            f'{score:.3f}',
        ]
        for rank, ((start, end), score) in enumerate(zip(spans, scores), 1)
    ]
    best = float(sample.pred_saliency.argmax()) / sample.fps
    note = f'Most salient at {format_time(best, sample.duration, decimals)}.'
    if not rows:
        note = f'This model names no moments. {note}'
    towers = [stream.tower or {} for stream in inferencer.encoding.loaded.values()]
    shipped = {t['model'] for t in towers if t.get('pretrained') == 'shipped'}
    for model in sorted(shipped):
        note += f' Mind that {SHIPPED_LIMITS[model]}.'
    starts = [start for start, _ in spans]
    return Answer(picture, panels, sample.duration, rows, starts, note)


def time_at(x: float, answer: Answer) -> float | None:
    """Seconds of the video at a column of the picture; None outside of the panels."""
    left, right = answer.panels.left, answer.panels.right
    if not left <= x <= right:
        return None
    return (x - left) / (right - left) * answer.duration
