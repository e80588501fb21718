"""Puts clips of many videos into batches, and their features back together."""

from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from mmvtg.video.source import VideoItem

from .decoding import Clips

_Encode = Callable[..., Tensor]


class _Video:
    """A video on its way: how many clips it has, and the features so far."""

    def __init__(self, item: VideoItem, total: int, beside: Optional[Tensor]) -> None:
        self.item, self.total, self.received = item, total, 0
        self.beside, self.sent = beside, 0
        self.rows: List[Tensor] = []

    def take_beside(self, count: int) -> Tensor:
        """What belongs to the next so many clips that are encoded."""
        self.sent += count
        return self.beside[self.sent - count : self.sent]


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
        beside (callable, optional): (video, number of clips) -> (T, ...), what belongs
            to each clip of a video; ``encode`` then gets that of its clips as a third
            argument.
    """

    def __init__(
        self,
        encode: _Encode,
        size: int,
        unit: int,
        whole_videos: bool,
        beside: Optional[Callable[[VideoItem, int], Tensor]] = None,
    ) -> None:
        self.encode, self.unit, self.whole = encode, unit, whole_videos
        self.beside = beside
        self.size = -(-size // unit) * unit
        self._videos: Dict[str, _Video] = {}
        self._waiting: List[Tuple[_Video, Tensor]] = []

    def expect(self, clips: Clips) -> None:
        """Begin a video, if these clips are its first; may raise what ``beside`` does.

        :meth:`add` does it as well, where nothing is raised or nobody wants to know.
        """
        name = clips.item.video_id
        if name not in self._videos:
            beside = self.beside and self.beside(clips.item, clips.total)
            self._videos[name] = _Video(clips.item, clips.total, beside)

    def add(self, clips: Clips) -> Iterator[Encoded]:
        """Take clips; yields the videos that are done by them."""
        self.expect(clips)
        video = self._videos[clips.item.video_id]
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
        frames = self._filled([frames for _, frames in pieces])
        runs = torch.zeros(len(frames), dtype=torch.int64)
        rows = self.encode(frames, runs, *self._beside(pieces))
        yield from self._hand_out(pieces, rows)

    def _filled(self, parts: List[Tensor]) -> Tensor:
        """Parts one after the other, and zeros up to a multiple of the unit."""
        rows = torch.cat(parts)
        missing = -len(rows) % self.unit
        if not missing:
            return rows
        return torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])])

    def _beside(self, pieces: List[Tuple[_Video, Tensor]]) -> List[Tensor]:
        """What belongs to the clips of pieces, as a list of one, or of none."""
        if self.beside is None:
            return []
        parts = [video.take_beside(len(frames)) for video, frames in pieces]
        return [torch.cat(parts) if self.whole else self._filled(parts)]

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
        rows = self.encode(frames, torch.cat(runs), *self._beside(pieces))
        yield from self._hand_out(pieces, rows)

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
