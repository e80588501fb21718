"""Damaged videos, and decoders that die, cost one video and not the process."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from bright_model import colours

from mmvtg.apis import VTGInferencer
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.video import load_frames
from mmvtg.video import apart
from mmvtg.visualization import read_thumbnails

#: Bits of a video of 24 s were flipped until decord ended its process (bad_alloc).
ABORTS = str(Path(__file__).parents[1] / 'data/aborts_the_decoder.mp4')


@pytest.fixture
def video(write_video) -> str:
    return str(write_video(colours({'red': [(5, 9)], 'blue': [(60, 64)]}, 100, 1.0)))


@pytest.fixture
def inferencer(colour_config) -> VTGInferencer:
    return VTGInferencer(colour_config, 'random', 'cpu', cache_bytes=0)


def spans(answers: dict) -> list:
    return [row[:2] for row in answers['predictions'][0]['moments']]


def test_a_video_that_makes_the_decoder_abort(inferencer, video):
    for videos in (ABORTS, [video, ABORTS]):
        with pytest.raises(BadSampleError, match=r'aborts_the_decoder\.mp4 ended the'):
            inferencer(videos, 'red')
        assert spans(inferencer(video, 'red')) == [[5, 9]]
    with pytest.raises(RuntimeError, match=r'no frames .*aborts_the_decoder\.mp4'):
        read_thumbnails(ABORTS)


def test_one_process_serves_many_videos(inferencer, video, write_video):
    other = str(write_video(colours({'red': [(1, 2)]}, 9, 1.0), 'w.mp4'))
    inferencer(video, 'red')
    waiting = [decoder.pid for decoder in apart._idle]
    inferencer([other, video], ['red', 'blue'], out_dir=str(Path(video).parent / 'out'))
    assert [decoder.pid for decoder in apart._idle] == waiting


def kill_at(inferencer: VTGInferencer, monkeypatch, chunk: int) -> None:
    """Let the decoding process die while the tower sees this chunk."""
    tower, opened = inferencer.stream.tower, []
    encode, start = type(tower).encode_runs, apart.ApartVideo.__init__

    def note(self, *args):
        start(self, *args)
        opened.append(self)

    def encode_runs(frames, runs):
        if len(tower.batches) == chunk:
            os.kill(opened[-1]._decoder.pid, signal.SIGKILL)
        return encode(tower, frames, runs)

    monkeypatch.setattr(apart.ApartVideo, '__init__', note)
    monkeypatch.setattr(tower, 'encode_runs', encode_runs)


def test_a_decoder_that_is_killed_in_the_middle_of_a_video(
    inferencer, video, monkeypatch
):
    kill_at(inferencer, monkeypatch, 1)
    with pytest.raises(BadSampleError, match=r'v\.mp4 ended .*\(SIGKILL\)'):
        inferencer(video, 'red')
    assert 2 <= len(inferencer.stream.tower.batches) < 7  # of 16 clips
    assert spans(inferencer(video, 'blue')) == [[60, 64]]


def test_an_error_of_the_tower_leaves_no_process_at_work(
    inferencer, video, monkeypatch
):
    tower = inferencer.stream.tower

    def fail(frames, runs):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(tower, 'encode_runs', fail)
        with pytest.raises(ZeroDivisionError):
            inferencer(video, 'red')
    assert spans(inferencer(video, 'red')) == [[5, 9]]


@pytest.mark.parametrize('coupled', [False, True])
def test_frames_are_those_of_this_process(colour_config, video, monkeypatch, coupled):
    colour_config['feature_extractor']['vision_tower']['couples_frames'] = coupled
    inferencer = VTGInferencer(colour_config, 'random', 'cpu')
    tower, seen = inferencer.stream.tower, []
    encode = type(tower).encode_runs

    def encode_runs(frames, runs):
        seen.append(frames)
        return encode(tower, frames, runs)

    monkeypatch.setattr(tower, 'encode_runs', encode_runs)
    inferencer(video, 'red')
    assert [len(frames) for frames in seen] == ([100] if coupled else [16] * 6 + [4])
    assert torch.equal(torch.cat(seen), load_frames(video, 1.0, 8)[0])


def test_a_part_of_a_stream_may_be_enough(inferencer, video):
    inferencer.stream.size, inferencer.stream.overlap = 10, 0
    parts = inferencer.stream(video)
    assert next(parts).window == (0, 10)
    parts.close()
    assert len(list(inferencer.stream(video))) == 10
    assert np.isfinite(next(inferencer.stream(video)).features.numpy()).all()
