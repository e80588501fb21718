"""A video file as a stream of windows of tower features."""

from typing import (
    Callable,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
)

import torch
from torch import Tensor

from mmvtg.video.apart import ApartVideo
from mmvtg.video.source import FrameSource, VideoItem

from .feature_cache import FeatureCache, fingerprint
from .vision_tower import VisionTower, encode_frames
from .windows import Window, plan_windows, sliding_windows

#: Seconds of a window that no video fills: all of it is seen at once.
WHOLE = 1e9


class EncodedVideo(NamedTuple):
    """What the cache keeps of a video.

    Args:
        duration (float): Seconds.
        chunks (list[Tensor]): (n, ...) features each, all clips in order.
    """

    duration: float
    chunks: List[Tensor]


class VideoPart(NamedTuple):
    """The features of one window.

    Args:
        window (Window): In clips.
        features (Tensor): (T, ...), as they are loaded from a feature store.
        duration (float): Of the whole video, seconds.
        num_clips (int): Of the whole video.
    """

    window: Window
    features: Tensor
    duration: float
    num_clips: int


class VideoStream:
    """Decodes and encodes videos chunk by chunk and hands out windows.

    Another process decodes (:mod:`mmvtg.video.apart`), the next chunk while the tower
    works, so that a file which makes the decoder crash costs that file alone.

    Frames are alive for one chunk (of the tower's ``chunk_size``), in the other process
    for two more, and features for about two windows, however long the video is.
    Features of a video whose size fits the cache are kept there for the next query.

    A tower whose hooks couple neighbouring frames sees one window at a time, and frames
    are alive as long as features; only videos of one window are then cached.

    Args:
        tower (VisionTower): The vision tower, in ``eval``; with ``couples_frames`` if
            its hooks do.
        source (FrameSource): Which frames it sees, and how many clips a second.
        window (float): Seconds of a window.
        overlap (float): Seconds that neighbouring windows share.
        cache (FeatureCache): Where features are kept; streams may share it.
        keep (callable, optional): What of a tower's output is kept, as a view or copy;
            default is all of it.

    Raises:
        ValueError: A window shorter than a clip, or an overlap of more than half of it.
    """

    def __init__(
        self,
        tower: VisionTower,
        source: FrameSource,
        window: float,
        overlap: float,
        cache: FeatureCache,
        keep: Optional[Callable[[Tensor], Tensor]] = None,
    ) -> None:
        fps = source.fps
        if fps is None:
            raise ValueError('VideoStream: the source has no fps')
        self.tower = tower
        self.source = source
        self.fps = fps
        self.cache = cache
        self.keep = keep
        # half of an odd number of clips is rounded down
        self.size, self.overlap = round(window * fps), int(overlap * fps + 1e-6)
        if self.size < 1 or not 0 <= self.overlap <= self.size / 2:
            raise ValueError(
                f'window = {window:g} s and overlap = {overlap:g} s at {fps:g} clips a '
                'second: want a window of at least one clip, and an overlap of at most '
                'half a window'
            )

    def __call__(self, path: str) -> Iterator[VideoPart]:
        """Stream one video.

        Raises:
            BadSampleError: The file is missing, broken, shorter than a clip, or makes
                the decoder crash.
        """
        key = (*fingerprint(path), self.source)
        kept: Optional[EncodedVideo] = self.cache.get(key)
        if kept is None:
            with self.open(path, self.tower.chunk_size) as video:
                yield from self._encode(video, key)
            return
        total = sum(map(len, kept.chunks))
        windows = plan_windows(total, self.size, self.overlap)
        for window, features in sliding_windows(kept.chunks, windows):
            yield VideoPart(window, features, kept.duration, total)

    def check(self, path: str) -> None:
        """Open a video and read no frame.

        Raises:
            BadSampleError: It cannot be opened, or is shorter than a clip.
        """
        self.open(path, 0).close()

    def open(self, path: str, clips: int) -> ApartVideo:
        """A video that hands out chunks of so many clips."""
        return ApartVideo(VideoItem(None, path), self.source, clips)

    def _encode(self, video: ApartVideo, key: tuple) -> Iterator[VideoPart]:
        """Windows of features; frames that do not look at each other go in chunks."""
        total = len(video)
        windows = plan_windows(total, self.size, self.overlap)
        frames = (torch.from_numpy(chunk) for chunk in video.chunks())
        coupled = getattr(self.tower, 'couples_frames', False)
        if coupled and len(windows) > 1:
            for window, part in sliding_windows(frames, windows):
                yield VideoPart(window, self.encode(part), video.duration, total)
            return
        if coupled:
            frames = (torch.cat(list(chunks)) for chunks in [frames])
        encoded = self._features(frames, video, key)
        for window, features in sliding_windows(encoded, windows):
            yield VideoPart(window, features, video.duration, total)

    def _features(
        self, frames: Iterable[Tensor], video: ApartVideo, key: tuple
    ) -> Iterator[Tensor]:
        """Encode chunk by chunk, and keep the whole if it fits the cache."""
        kept: List[Tensor] = []
        fits, nbytes, seen = True, 0, 0
        for chunk in frames:
            features = self.encode(chunk)
            if not seen:
                nbytes = features.nbytes // len(features) * len(video)
                fits = self.cache.make_room(nbytes)
            seen += len(features)
            if fits:
                kept.append(features)
            if fits and seen == len(video):
                self.cache.put(key, EncodedVideo(video.duration, kept), nbytes)
            yield features

    @torch.inference_mode()
    def encode(self, frames: Tensor) -> Tensor:
        """Run the tower: (T, 3, H, W) uint8 -> (T, ...) as a feature store holds it.

        Clips of several frames are (T, F, 3, H, W).
        """
        rows = encode_frames(self.tower, frames)
        return (rows if self.keep is None else self.keep(rows)).cpu()
