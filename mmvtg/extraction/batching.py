"""Puts clips of many videos into batches, and their features back together."""

from typing import Callable, Dict, Iterator, List, NamedTuple, Tuple

import torch
from torch import Tensor

from .decoding import Clips
from .sampling import VideoItem

_Encode = Callable[[Tensor, Tensor], Tensor]


class _Video:
    """A video on its way: how many clips it has, and the features so far."""

    def __init__(self, item: VideoItem, total: int) -> None:
        self.item, self.total, self.received = item, total, 0
        self.rows: List[Tensor] = []


class Encoded(NamedTuple):
    """A video that is done.

    Args:
        item (VideoItem): The video.
        rows (Tensor): (T, ...), what is stored of it.
    """

    item: VideoItem
    rows: Tensor


class Batcher:
    """Gathers clips until there are enough for the tower.

    What the tower computes at once is always ``unit`` clips, the last ones filled up
    with black: arithmetic on batches of one size gives the same numbers whatever else
    is in the batch, so that features do not depend on the order in which videos come.
    A tower that couples the frames of a video gets whole videos instead, as many as
    make a batch.

    Args:
        encode (callable): (clips (n, ...) uint8, runs (n,) int64) -> rows (n, ...).
        size (int): Clips of a batch.
        unit (int): Clips that the tower computes at once.
        whole_videos (bool): Whether frames of a video depend on each other.
    """

    def __init__(
        self, encode: _Encode, size: int, unit: int, whole_videos: bool
    ) -> None:
        self.encode, self.unit, self.whole = encode, unit, whole_videos
        self.size = -(-size // unit) * unit
        self._videos: Dict[str, _Video] = {}
        self._waiting: List[Tuple[_Video, Tensor]] = []

    def add(self, clips: Clips) -> Iterator[Encoded]:
        """Take clips; yields the videos that are done by them."""
        name = clips.item.video_id
        if name not in self._videos:
            self._videos[name] = _Video(clips.item, clips.total)
        video = self._videos[name]
        video.received += len(clips.frames)
        self._waiting.append((video, clips.frames))
        if self.whole:
            complete = [one for one in self._waiting if _is_complete(one[0])]
            if sum(len(frames) for _, frames in complete) >= self.size:
                yield from self._run_whole(complete)
            return
        while sum(len(frames) for _, frames in self._waiting) >= self.size:
            yield from self._run(self._take(self.size))

    def drop(self, item: VideoItem) -> None:
        """Forget a video that broke off."""
        video = self._videos.pop(item.video_id, None)
        self._waiting = [one for one in self._waiting if one[0] is not video]

    def finish(self) -> Iterator[Encoded]:
        """Encode what is left."""
        if self.whole:
            yield from self._run_whole(self._waiting)
        elif self._waiting:
            yield from self._run(self._take(self.size))

    def _take(self, size: int) -> List[Tuple[_Video, Tensor]]:
        """The first so many waiting clips."""
        taken: List[Tuple[_Video, Tensor]] = []
        while self._waiting and size:
            video, frames = self._waiting.pop(0)
            taken.append((video, frames[:size]))
            if len(frames) > size:
                self._waiting.insert(0, (video, frames[size:]))
            size -= len(taken[-1][1])
        return taken

    def _run(self, pieces: List[Tuple[_Video, Tensor]]) -> Iterator[Encoded]:
        frames = torch.cat([frames for _, frames in pieces])
        missing = -len(frames) % self.unit
        if missing:
            frames = torch.cat([frames, frames.new_zeros(missing, *frames.shape[1:])])
        rows = self.encode(frames, torch.zeros(len(frames), dtype=torch.int64))
        yield from self._hand_out(pieces, rows)

    def _run_whole(self, pieces: List[Tuple[_Video, Tensor]]) -> Iterator[Encoded]:
        if not pieces:
            return
        names = list(dict.fromkeys(video.item.video_id for video, _ in pieces))
        pieces = sorted(pieces, key=lambda one: names.index(one[0].item.video_id))
        runs = [
            torch.full((len(frames),), names.index(video.item.video_id))
            for video, frames in pieces
        ]
        frames = torch.cat([frames for _, frames in pieces])
        self._waiting = [
            one for one in self._waiting if one[0].item.video_id not in names
        ]
        yield from self._hand_out(pieces, self.encode(frames, torch.cat(runs)))

    def _hand_out(
        self, pieces: List[Tuple[_Video, Tensor]], rows: Tensor
    ) -> Iterator[Encoded]:
        start = 0
        for video, frames in pieces:
            # a copy: a view would keep the whole batch in memory
            video.rows.append(rows[start : start + len(frames)].clone())
            start += len(frames)
            if sum(map(len, video.rows)) == video.total:
                del self._videos[video.item.video_id]
                yield Encoded(video.item, torch.cat(video.rows))


def _is_complete(video: _Video) -> bool:
    return video.received == video.total
