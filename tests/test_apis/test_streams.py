"""Streams of features of raw videos, and videos that get stuck or end badly."""

import gc
import multiprocessing
import threading
import time

import numpy as np
import pytest
import torch
from bright_model import colours

from mmvtg.apis import VTGInferencer
from mmvtg.datasets.encoding_spec import parse_encoding
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.joining import resample_rows
from mmvtg.datasets.transforms.video import load_frames
from mmvtg.encoding import FeatureCache, VideoStreams
from mmvtg.registry import MODELS
from mmvtg.video import decoding


@pytest.fixture
def video(write_video) -> str:
    return str(write_video(colours({'red': [(5, 9)], 'blue': [(60, 64)]}, 100, 1.0)))


@pytest.fixture
def inferencer(colour_config) -> VTGInferencer:
    return VTGInferencer(colour_config, 'random', 'cpu', cache_bytes=0)


def spans(answers: dict) -> list:
    return [row[:2] for row in answers['predictions'][0]['moments']]


def test_an_error_of_the_tower_leaves_no_thread_at_work(inferencer, video, monkeypatch):
    tower = inferencer.streams.towers['video']

    def fail(frames, runs):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(tower, 'encode_runs', fail)
        with pytest.raises(ZeroDivisionError):
            inferencer(video, 'red')
    for _ in range(50):
        names = [thread.name for thread in threading.enumerate()]
        if 'mmvtg-decode' not in names:
            break
        time.sleep(0.1)
    assert 'mmvtg-decode' not in names
    assert spans(inferencer(video, 'red')) == [[5, 9]]


def test_a_video_that_gets_stuck_is_named_and_others_are_answered(
    colour_config, video, write_video, monkeypatch
):
    other = str(write_video(colours({'red': [(1, 2)]}, 9, 1.0), 'stuck.mp4'))
    release, opened = threading.Event(), decoding.decode_here

    def stick(item, source, clips, on_progress):
        if item.path.endswith('stuck.mp4'):
            release.wait(60)
        yield from opened(item, source, clips, on_progress)

    monkeypatch.setattr(decoding, 'decode_here', stick)
    monkeypatch.setattr(decoding.decode_ahead, '__defaults__', (4.0,))
    inferencer = VTGInferencer(colour_config, 'random', 'cpu')
    try:
        results = inferencer([other, video], 'red')
    finally:
        release.set()
    assert list(results['failed']) == [other]
    assert 'makes no progress' in results['failed'][other]
    assert spans(results) == [[5, 9]]


def test_a_process_can_decode_instead(colour_config, video):
    earlier = set(multiprocessing.active_children())
    inferencer = VTGInferencer(colour_config, 'random', 'cpu', isolated=True)
    assert spans(inferencer(video, 'red')) == [[5, 9]]
    assert spans(inferencer(video, 'blue')) == [[60, 64]]
    assert set(multiprocessing.active_children()) - earlier
    del inferencer
    gc.collect()
    assert earlier.issuperset(multiprocessing.active_children())


@pytest.mark.parametrize('coupled', [False, True])
def test_frames_are_those_of_this_thread(colour_config, video, monkeypatch, coupled):
    tower = colour_config['encoding']['streams']['video']['tower']
    tower['couples_frames'] = coupled
    inferencer = VTGInferencer(colour_config, 'random', 'cpu')
    tower, seen = inferencer.streams.towers['video'], []
    encode = type(tower).encode_runs

    def encode_runs(frames, runs):
        seen.append(frames)
        return encode(tower, frames, runs)

    monkeypatch.setattr(tower, 'encode_runs', encode_runs)
    inferencer(video, 'red')
    assert [len(frames) for frames in seen] == ([100] if coupled else [16] * 6 + [4])
    assert torch.equal(torch.cat(seen), load_frames(video, 1.0, 8)[0])


def test_a_part_of_a_stream_may_be_enough(inferencer, video):
    inferencer.streams.size, inferencer.streams.overlap = 10, 0
    parts = inferencer.streams(video)
    assert next(parts).window == (0, 10)
    parts.close()
    assert len(list(inferencer.streams(video))) == 10
    assert np.isfinite(next(inferencer.streams(video)).arrays['video']).all()


def build(block: dict, fps: float = 1.0, **kwargs) -> VideoStreams:
    def tower(config):
        return MODELS.build(dict(config)).eval()

    return VideoStreams(parse_encoding(block), tower, fps, FeatureCache(0), **kwargs)


def colour_stream(**more) -> dict:
    return dict(tower=dict(type='ColourTower'), frame_size=8, **more)


def test_streams_are_cut_to_the_shortest_and_stretched(video):
    streams = build(
        dict(
            streams=dict(
                slow=colour_stream(fps=0.5, resample=True),
                middle=colour_stream(sampling='middle'),
                start=colour_stream(),
            )
        )
    )
    (part,) = streams(video)
    assert list(part.arrays) == ['slow', 'middle', 'start'] and part.num_clips == 100
    assert {len(rows) for rows in part.arrays.values()} == {100}
    alone = next(build(dict(streams=dict(s=colour_stream())), 0.5)(video)).arrays['s']
    assert np.array_equal(part.arrays['slow'], resample_rows(alone, 100))
    windows = list(
        build(
            dict(
                streams=dict(
                    slow=colour_stream(fps=0.5, resample=True), start=colour_stream()
                )
            ),
            window=30.0,
            overlap=10.0,
        )(video)
    )
    assert len(windows) == 5
    for one in windows:
        rows = slice(*one.window)
        assert np.array_equal(one.arrays['slow'], part.arrays['slow'][rows])
        assert np.array_equal(one.arrays['start'], part.arrays['start'][rows])


@MODELS.register_module()
class MotionReader(torch.nn.Module):
    """A tower whose hooks read one motion vector per clip."""

    couples_frames, chunk_size = False, 16

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('mean', torch.zeros(3))

    def encode_runs(self, frames, runs, inputs):
        return inputs['motion'].float() + 1, [], {}


def test_a_tower_gets_the_motion_of_another_stream(video):
    block = dict(
        streams=dict(
            clip=dict(tower=dict(type='MotionReader'), frame_size=8, motion='motion'),
            motion=colour_stream(auxiliary=True),
        )
    )
    (part,) = build(block)(video)
    assert list(part.arrays) == ['clip']  # motion is for the tower alone
    motion = next(build(dict(streams=dict(m=colour_stream())))(video)).arrays['m']
    assert np.allclose(part.arrays['clip'], motion + 1, atol=0.1)
    block['streams']['motion'].pop('auxiliary')
    (part,) = build(block)(video)
    assert list(part.arrays) == ['clip', 'motion']
    with pytest.raises(ValueError, match="clip.motion is 'motion', and there are only"):
        build(dict(streams=dict(clip=block['streams']['clip'])))


def test_rates_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match='has 0.5 clips per second, and the model'):
        build(dict(streams=dict(slow=colour_stream(fps=0.5), one=colour_stream())))


def test_a_file_that_is_none_is_named(inferencer, tmp_path):
    path = tmp_path / 'x.mp4'
    path.write_bytes(b'')
    with pytest.raises(BadSampleError, match=r'x\.mp4 is empty'):
        inferencer(str(path), 'red', on_error='raise')
