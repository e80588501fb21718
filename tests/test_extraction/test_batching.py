"""Features find back to their video, whatever order clips come in."""

import random

import pytest
import torch

from mmvtg.extraction.batching import Batcher
from mmvtg.extraction.decoding import Clips
from mmvtg.video.source import VideoItem


def clips_of(lengths, piece, rng):
    """(video number, event) in random order, each video's in order."""
    queues = {}
    for number, length in enumerate(lengths):
        frames = torch.arange(length, dtype=torch.uint8)[:, None] + 10 * number
        item = VideoItem(f'v{number}', '')
        queues[number] = [Clips(item, one, length) for one in frames.split(piece)]
    while queues:
        number = rng.choice(list(queues))
        yield number, queues[number].pop(0)
        if not queues[number]:
            del queues[number]


@pytest.mark.parametrize('whole', [False, True])
@pytest.mark.parametrize('size,unit', [(1, 1), (8, 4), (7, 4), (64, 16)])
def test_rows_find_back(whole, size, unit):
    seen = []

    def encode(frames, runs):
        seen.append((len(frames), runs))
        return frames.float() * 2

    lengths, rng = [5, 1, 9, 3, 7, 7], random.Random(0)
    batcher = Batcher(encode, size, unit, whole)
    done = {}
    for _, event in clips_of(lengths, 3, rng):
        done.update({one.item.video_id: one.rows for one in batcher.add(event)})
    done.update({one.item.video_id: one.rows for one in batcher.finish()})
    assert len(done) == len(lengths)
    for number, length in enumerate(lengths):
        expected = 2.0 * (torch.arange(length)[:, None] + 10 * number)
        assert torch.equal(done[f'v{number}'], expected)
    if whole:  # runs are ascending, so each video is in one piece
        assert all((runs.diff() >= 0).all() for _, runs in seen)
    else:
        assert all(count % unit == 0 for count, _ in seen)


@pytest.mark.parametrize('whole', [False, True])
def test_a_video_that_breaks_off_is_forgotten(whole):
    batcher = Batcher(lambda frames, runs: frames.float(), 4, 1, whole)
    frames = torch.ones(3, 1, dtype=torch.uint8)
    bad, good = VideoItem('bad', ''), VideoItem('good', '')
    assert list(batcher.add(Clips(bad, frames, 9))) == []
    batcher.drop(bad)
    done = [*batcher.add(Clips(good, frames, 3)), *batcher.finish()]
    assert [one.item for one in done] == [good]
