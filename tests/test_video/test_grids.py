"""The frames of each clip, by number."""

from fractions import Fraction

import numpy as np
import pytest
from references import decord_frames

from mmvtg.video import grids
from mmvtg.video.timing import FrameTimes, frame_times

RATES = [24, 25, 30, 60, 12.5, Fraction(30000, 1001), Fraction(24000, 1001), 2]
CLIPS = [0.5, 1.0, 2.0, 2 / 3, 4.0, 30 / 16]


def regular(count: int, rate) -> FrameTimes:
    return frame_times(np.arange(count) / float(rate), None, [Fraction(rate)])


@pytest.mark.parametrize('fps', CLIPS)
@pytest.mark.parametrize('rate', RATES)
@pytest.mark.parametrize('count', [61, 300, 1501])
def test_grids_of_a_constant_rate_are_the_frame_numbers(rate, fps, count):
    times, args = regular(count, rate), (count, float(rate), fps)
    assert grids.start_frames(times, fps).tolist() == decord_frames.start(*args)
    assert grids.middle_frames(times, fps).tolist() == decord_frames.middle(*args)
    assert grids.dense_frames(times, fps).tolist() == decord_frames.dense(*args)
    for centred in ((16, 8.0), (5, 30.0), (4, 3.0)):
        found = grids.centred_frames(times, fps, *centred)
        assert found.tolist() == decord_frames.centred(*args, *centred)


def test_numbers_never_leave_the_video():
    times = regular(91, Fraction(30000, 1001))
    assert grids.start_frames(times, 1.0).ravel().tolist() == [0, 30, 60]
    assert grids.start_frames(regular(4, 3), 2.0).ravel().tolist() == [0, 2]
    for fps in (0.5, 1.0):
        dense = grids.dense_frames(times, fps)
        assert dense.min() == 0 and dense.max() == 90
        centred = grids.centred_frames(times, fps, 32, 1.0)
        assert centred.min() == 0 and centred.max() == 90


def test_number_of_clips():
    assert [grids.num_clips(6.5, fps) for fps in (0.1, 0.5, 1, 2)] == [0, 3, 6, 13]
    assert grids.num_clips(1.9999, 0.5) == 1  # containers round their durations
    assert grids.num_clips(1.99, 0.5) == 0


def test_ticks_of_a_dense_clip():
    ticks = grids.dense_ticks(30.0, 60).tolist()
    assert len(ticks) == 32 and ticks[:3] == [0, 2, 4] and ticks[-2:] == [59, 59]
    assert grids.dense_ticks(24.0, 60)[-1] == 50  # does not reach the end
    for rate in map(float, RATES):
        expected = decord_frames.dense_ticks(rate, 60)
        assert grids.dense_ticks(rate, 60).tolist() == expected


def test_clips_of_an_uneven_video_are_frames_of_their_time():
    # ten frames in the first second, then one every two seconds, and ten in the last
    stamps = np.array([*np.arange(10) / 10, 1, 3, 5, 7, *9 + np.arange(10) / 10])
    times = FrameTimes(stamps, 10.0)

    def seconds(numbers: np.ndarray) -> list:
        return stamps[numbers].round(3).tolist()

    assert seconds(grids.start_frames(times, 0.5)[:, 0]) == [0, 1, 5, 5, 9]
    # ffmpeg -vf fps=1: the last frame before the middle of each second
    middle = [0.4, 1, 1, 3, 3, 5, 5, 7, 7, 9.4]
    assert seconds(grids.middle_frames(times, 1.0)[:, 0]) == middle
    centred = grids.centred_frames(times, 0.5, 3, 1.0)
    assert seconds(centred[0]) == [0, 1, 1] and seconds(centred[2]) == [3, 5, 5]
    dense = stamps[grids.dense_frames(times, 0.5)]
    assert dense.shape == (5, 32)
    for clip, shown in enumerate(dense):
        assert (np.diff(shown) >= 0).all() and shown.max() < 2 * clip + 2
