"""Batches of clips of many videos for a tower, and the features that come back."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .frames import FrameEncoder


class Encoded(NamedTuple):
    """Features of the next clips of a video.

    Args:
        name (Hashable): Name of the video.
        rows (Tensor): (n, ...), on the CPU.
        done (bool): True if these are the last clips of the video.
    """

    name: Hashable
    rows: Tensor
    done: bool


class _Video:
    """A video on its way.

    Args:
        total (int): Number of clips.
        aux (Tensor | None): (total, ...) auxiliary input of each clip.
    """

    def __init__(self, total: int, aux: Tensor | None) -> None:
        self.total, self.aux = total, aux
        self.sent = self.returned = 0
        self.held: list[Tensor] = []  # of a coupled video: frames from `first` on
        self.first = 0


class Batcher:
    """Collects clips until there are enough for the tower.

    The tower always computes ``encoder.unit`` clips at a time, the last ones padded
    with black. Batches of one size give the same numbers whatever else is in them, so
    features depend neither on the order of videos nor on how many are encoded together.

    A tower whose hooks couple neighboring frames gets each video on its own, in pieces
    of ``size`` clips with enough clips on either side.

    Args:
        encoder (FrameEncoder): The tower.
        size (int): Clips per batch; rounded up to whole units.
        aux (callable, optional): (name, number of clips) -> (T, ...) auxiliary input,
            one row per clip of a video.
        pad (bool): Pad the last batch. Without, a short video on its own takes less
            time, and its features differ in the last bits.
    """

    def __init__(
        self,
        encoder: FrameEncoder,
        size: int,
        aux: Callable[[Hashable, int], Tensor] | None = None,
        pad: bool = True,
    ) -> None:
        self.encoder, self.aux, self.pad = encoder, aux, pad
        self.size = -(-size // encoder.unit) * encoder.unit
        self._videos: dict[Hashable, _Video] = {}
        self._waiting: deque[tuple[Hashable, Tensor, Tensor | None]] = deque()

    def expect(self, name: Hashable, total: int) -> None:
        """Begin a video of ``total`` clips; may raise what ``aux`` raises."""
        if name not in self._videos:
            self._videos[name] = _Video(total, self.aux and self.aux(name, total))

    def add(self, name: Hashable, total: int, frames: Tensor) -> Iterator[Encoded]:
        """Take the next clips of a video; yield what is encoded by then.

        Args:
            name (Hashable): Name of the video.
            total (int): Number of clips of the whole video.
            frames (Tensor): (n, ...) uint8.
        """
        self.expect(name, total)
        video = self._videos[name]
        start, video.sent = video.sent, video.sent + len(frames)
        if self.encoder.couples_frames:
            video.held.append(frames)
            yield from self._run_coupled(name, video)
            return
        aux = None if video.aux is None else video.aux[start : video.sent]
        self._waiting.append((name, frames, aux))
        while sum(len(one[1]) for one in self._waiting) >= self.size:
            yield from self._run(self.size)

    def drop(self, name: Hashable) -> None:
        """Forget a video that broke off."""
        self._videos.pop(name, None)
        self._waiting = deque(one for one in self._waiting if one[0] != name)

    def finish(self) -> Iterator[Encoded]:
        """Encode what is left."""
        if self._waiting:
            yield from self._run(self.size)

    def _run(self, size: int) -> Iterator[Encoded]:
        """Encode the first ``size`` clips that wait."""
        pieces = []
        while self._waiting and size:
            name, frames, aux = self._waiting.popleft()
            pieces.append((name, frames[:size], None if aux is None else aux[:size]))
            if len(frames) > size:
                rest = None if aux is None else aux[size:]
                self._waiting.appendleft((name, frames[size:], rest))
            size -= len(pieces[-1][1])
        frames = self._pad([one[1] for one in pieces])
        extra = [one[2] for one in pieces if one[2] is not None]
        aux = self._pad(extra) if extra else None
        rows = self.encoder(frames, aux)
        start = 0
        for name, part, _ in pieces:
            yield self._encoded(name, rows[start : start + len(part)])
            start += len(part)

    def _pad(self, parts: list[Tensor]) -> Tensor:
        """Join parts, and append zeros up to a multiple of the unit."""
        rows = torch.cat(parts)
        missing = -len(rows) % self.encoder.unit if self.pad else 0
        if not missing:
            return rows
        return torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])])

    def _run_coupled(self, name: Hashable, video: _Video) -> Iterator[Encoded]:
        """Encode what has all the neighbors that it can see."""
        margin = self.encoder.margin
        whole = video.sent == video.total
        total = video.total
        size, reach = (total, total) if margin is None else (self.size, margin)
        while video.returned < video.sent:
            start = video.returned
            if not whole and video.sent - start < size + reach:
                return
            stop = min(start + size, video.sent)
            first, last = max(start - reach, 0), min(stop + reach, video.sent)
            held = torch.cat(video.held)
            part = held[first - video.first : last - video.first]
            aux = None if video.aux is None else video.aux[first:last]
            rows = self.encoder(part, aux)[start - first : stop - first]
            keep = max(stop - reach, video.first)
            video.held, video.first = [held[keep - video.first :].clone()], keep
            yield self._encoded(name, rows)

    def _encoded(self, name: Hashable, rows: Tensor) -> Encoded:
        video = self._videos[name]
        video.returned += len(rows)
        done = video.returned == video.total
        if done:
            del self._videos[name]
        # a copy: a view would keep the whole batch in memory
        return Encoded(name, rows.clone(), done)
