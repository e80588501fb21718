"""Features find back to their video, whatever order clips come in."""

import random

import pytest
import torch

from mmvtg.encoding.batching import Batcher


class Doubling:
    """An encoder that notes what it is given."""

    def __init__(self, unit, couples_frames=False, margin=None):
        self.unit, self.couples_frames, self.margin = unit, couples_frames, margin
        self.seen = []

    def __call__(self, clips, aux=None):
        self.seen.append(len(clips))
        return clips.float() * 2 if aux is None else clips.float() * 2 + aux


def chunks_of(lengths, piece, rng):
    """(name, total, frames) in random order, each video's in order."""
    queues = {}
    for number, length in enumerate(lengths):
        frames = torch.arange(length, dtype=torch.uint8)[:, None] + 10 * number
        queues[number] = [(f'v{number}', length, one) for one in frames.split(piece)]
    while queues:
        number = rng.choice(list(queues))
        yield queues[number].pop(0)
        if not queues[number]:
            del queues[number]


def collect(events):
    """Name -> rows; each video is done once, with its last rows."""
    rows, done = {}, []
    for one in events:
        assert one.name not in done
        rows.setdefault(one.name, []).append(one.rows)
        if one.done:
            done.append(one.name)
    assert sorted(done) == sorted(rows)
    return {name: torch.cat(parts) for name, parts in rows.items()}


def run(batcher, events):
    for event in events:
        yield from batcher.add(*event)
    yield from batcher.finish()


@pytest.mark.parametrize('coupled', [False, True])
@pytest.mark.parametrize('margin', [None, 2])
@pytest.mark.parametrize('size,unit', [(1, 1), (8, 4), (7, 4), (64, 16)])
def test_rows_find_back(coupled, margin, size, unit):
    encoder = Doubling(unit, coupled, margin)
    lengths = [5, 1, 9, 3, 7, 8]  # the sum is no multiple of most batches
    done = collect(run(Batcher(encoder, size), chunks_of(lengths, 3, random.Random(0))))
    assert len(done) == len(lengths)
    for number, length in enumerate(lengths):
        expected = 2.0 * (torch.arange(length)[:, None] + 10 * number)
        assert torch.equal(done[f'v{number}'], expected)
    if not coupled:
        assert all(count % unit == 0 for count in encoder.seen)


def test_auxiliary_rows_stay_with_their_clips():
    def aux(name, total):
        return 100.0 * (int(name[1:]) + 1) + torch.arange(total)[:, None]

    for coupled, margin in ((False, None), (True, None), (True, 1)):
        batcher = Batcher(Doubling(4, coupled, margin), 8, aux)
        done = collect(run(batcher, chunks_of([5, 9, 3], 2, random.Random(1))))
        for number, length in enumerate([5, 9, 3]):
            frames = torch.arange(length)[:, None] + 10 * number
            assert torch.equal(
                done[f'v{number}'], 2.0 * frames + aux(f'v{number}', length)
            )


class Neighbors(Doubling):
    """Each row is the sum of the clips around it, as of a coupled tower."""

    def __call__(self, clips, aux=None):
        self.seen.append(len(clips))
        padded = torch.nn.functional.pad(clips.float().T, (self.margin, self.margin))
        return padded.unfold(1, 2 * self.margin + 1, 1).sum(-1).T


@pytest.mark.parametrize('size', [1, 3, 5, 100])
@pytest.mark.parametrize('piece', [1, 4, 50])
def test_coupled_clips_see_all_their_neighbors(size, piece):
    frames = torch.randint(0, 99, (37, 1), dtype=torch.uint8)
    whole = Neighbors(1, True, 3)(frames)
    batcher = Batcher(Neighbors(1, True, 3), size)
    events = [('v', 37, one) for one in frames.split(piece)]
    assert torch.equal(collect(run(batcher, events))['v'], whole)


@pytest.mark.parametrize('coupled', [False, True])
def test_a_video_that_breaks_off_is_forgotten(coupled):
    batcher = Batcher(Doubling(1, coupled), 4)
    frames = torch.ones(3, 1, dtype=torch.uint8)
    assert list(batcher.add('bad', 9, frames)) == []
    batcher.drop('bad')
    done = [*batcher.add('good', 3, frames), *batcher.finish()]
    assert [(one.name, one.done) for one in done] == [('good', True)]
