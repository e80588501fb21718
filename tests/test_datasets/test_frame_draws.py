"""Which frames are drawn."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.frame_draws import draw_frames, draw_generator, middle_frames
from mmvtg.datasets.transforms import DrawStoredFrames, DrawVideoFrames


@given(st.integers(1, 200), st.integers(1, 16), st.integers(1, 15), st.integers(0, 99))
def test_draws_lie_inside_and_ascend(total, count, gap, seed):
    frames, drawn = draw_frames(np.random.default_rng(seed), total, count, [gap])
    assert frames.shape == (count,) and frames.min() >= 0 and frames.max() < total
    steps = np.diff(frames)
    assert (steps >= 0).all()
    if total >= count:
        assert (steps >= 1).all()
    assert drawn in (1, gap)
    if drawn == gap > 1 and count > 1:
        assert np.ptp(steps) <= 1


def test_a_short_video_shows_its_last_frame_until_the_end():
    frames, gap = draw_frames(np.random.default_rng(0), 3, 5, [4])
    assert frames.tolist() == [0, 1, 2, 2, 2] and gap == 1


def test_generators_differ_by_name_and_draw():
    first = [draw_generator(0, *key).random() for key in (('a', 0), ('a', 1), ('b', 0))]
    assert len(set(first)) == 3
    assert draw_generator(0, 'a', 0).random() == first[0]


def test_middle_frames():
    assert middle_frames(8, 4).tolist() == [1, 3, 5, 7]
    assert middle_frames(2, 4).tolist() == [0, 0, 1, 1]


def test_several_draws_and_their_gaps(tmp_path):
    np.save(tmp_path / 'v.npy', np.arange(100.0)[:, None])
    step = DrawStoredFrames(num_frames=4, gaps=(3,), num_draws=5)
    path = str(tmp_path / 'v.npy')
    results = step(dict(video_id='v', feature_path=path))
    assert results['video'].shape == (5, 4, 1)
    assert results['frame_gap'].tolist() == [3] * 5
    assert len({tuple(row) for row in results['video'][..., 0].tolist()}) > 1
    middle = DrawStoredFrames(num_frames=4, gaps=())
    results = middle(dict(video_id='v', feature_path=path))
    assert results['video'][0, :, 0].tolist() == [12, 37, 62, 87]
    with pytest.raises(ValueError, match='1 or more'):
        DrawStoredFrames(gaps=(0,))


@pytest.fixture
def counting(tmp_path):
    """The same in two forms: 64 frames, 8 a second, frame i has the gray level 3 i."""
    from mmvtg.datasets.moving_shapes.writer import write_video

    levels = 3 * np.arange(64, dtype=np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (64, 48, 64, 3))
    write_video(tmp_path / 'v.mp4', np.ascontiguousarray(frames), crf=4)
    np.save(tmp_path / 'v.npy', np.arange(64.0)[:, None])
    return dict(
        video_id='v',
        video_path=str(tmp_path / 'v.mp4'),
        feature_path=str(tmp_path / 'v.npy'),
        fps=8.0,
    )


@pytest.mark.parametrize('window', [None, (2.0, 5.0)])
def test_videos_are_drawn_as_features_are(counting, window):
    settings = dict(num_frames=6, gaps=(1, 2, 3), num_draws=4)
    sample = dict(counting, window=window, draw=3)
    decoded = DrawVideoFrames(fps=8.0, size=32, **settings)(dict(sample))
    stored = DrawStoredFrames(**settings)(dict(sample))
    video = decoded['video']
    assert video.shape == (4, 6, 3, 32, 32) and video.dtype == torch.uint8
    seen = video.float().mean((2, 3, 4)) / 3
    assert (seen - stored['video'][..., 0]).abs().max() < 0.7
    assert decoded['frame_gap'].tolist() == stored['frame_gap'].tolist()
    if window is not None:
        assert seen.min() > 15.5 and seen.max() < 39.5  # 2 s to 5 s


def test_gaps_of_videos_count_frames_of_the_asked_rate(counting):
    step = DrawVideoFrames(fps=2.0, size=16, num_frames=4, gaps=(3,))
    results = step(dict(counting))
    levels = results['video'][0].float().mean((1, 2, 3)) / 3
    assert results['frame_gap'].tolist() == [3]
    # three of two frames a second are 12 of the video's
    assert (levels.diff() - 12).abs().max() <= 4.7
    middle = DrawVideoFrames(fps=8.0, size=16, num_frames=4, gaps=())
    levels = middle(dict(counting))['video'][0].float().mean((1, 2, 3)) / 3
    assert levels.round().tolist() == [8, 24, 40, 56]


def test_videos_that_cannot_be_drawn_from_are_named(counting, tmp_path):
    step = DrawVideoFrames(fps=8.0, size=16)
    with pytest.raises(BadSampleError, match='video v: no frame lies in'):
        step(dict(counting, window=(9.0, 12.0)))
    with pytest.raises(BadSampleError, match='video v .*does not exist'):
        step(dict(counting, video_path=str(tmp_path / 'none.mp4')))
    (tmp_path / 'cut.mp4').write_bytes((tmp_path / 'v.mp4').read_bytes()[:200])
    with pytest.raises(BadSampleError, match='video v .*cannot be opened'):
        step(dict(counting, video_path=str(tmp_path / 'cut.mp4')))


@pytest.mark.parametrize('backend', ['pyav', 'decord'])
def test_backends_and_readers_give_the_same_samples(counting, backend):
    settings = dict(fps=4.0, size=16, num_frames=6, num_draws=3)
    expected = DrawVideoFrames(**settings)(dict(counting))
    step = DrawVideoFrames(backend=backend, **settings)
    assert torch.equal(step(dict(counting))['video'], expected['video'])
    with step.open(counting) as reader:  # such as of an inferencer
        assert (len(reader), reader.duration) == (32, 8.0)
        images, index, gaps = step.read(dict(counting), reader)
    assert torch.equal(images[torch.from_numpy(index)], expected['video'])
    assert gaps.tolist() == expected['frame_gap'].tolist()
