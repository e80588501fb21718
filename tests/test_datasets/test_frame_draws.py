"""Which frames are drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmvtg.datasets.frame_draws import draw_frames, draw_generator, middle_frames
from mmvtg.datasets.transforms import DrawStoredFrames


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
