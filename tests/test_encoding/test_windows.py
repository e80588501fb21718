"""Windows cover the video, and what streams through them is what was there."""

import pytest
import torch

from mmvtg.encoding.windows import Window, plan_windows, sliding_windows


@pytest.mark.parametrize('total', [1, 9, 10, 11, 14, 15, 16, 23, 100, 101])
@pytest.mark.parametrize('overlap', [0, 3, 5])
def test_windows_cover_the_video_and_overlap_enough(total, overlap):
    windows = plan_windows(total, 10, overlap)
    assert windows[0].start == 0 and windows[-1].stop == total
    assert all(stop - start == min(total, 10) for start, stop in windows)
    for one, two in zip(windows, windows[1:]):
        assert one.start < two.start and one.stop - two.start >= overlap


def test_a_video_as_long_as_a_window_is_not_cut():
    assert plan_windows(10, 10, 5) == [Window(0, 10)]
    assert len(plan_windows(11, 10, 5)) == 2


@pytest.mark.parametrize('total, size, overlap', [(0, 5, 1), (5, 0, 0), (9, 4, 3)])
def test_impossible_windows_are_refused(total, size, overlap):
    with pytest.raises(ValueError, match='at most half a window'):
        plan_windows(total, size, overlap)


@pytest.mark.parametrize('chunk', [1, 4, 7, 50])
@pytest.mark.parametrize('total', [1, 12, 37])
def test_stream_fills_windows(total, chunk):
    rows = torch.arange(total)
    windows = plan_windows(total, 10, 4)
    got = list(sliding_windows(rows.split(chunk), windows))
    assert [window for window, _ in got] == windows
    for (start, stop), part in got:
        assert torch.equal(part, rows[start:stop])


def test_windows_with_gaps_skip_rows():
    rows = torch.arange(30)
    windows = [Window(2, 4), Window(20, 25)]
    parts = [part.tolist() for _, part in sliding_windows(rows.split(3), windows)]
    assert parts == [[2, 3], [20, 21, 22, 23, 24]]


def test_a_stream_that_ends_early_is_an_error():
    with pytest.raises(ValueError, match='the stream has 3 rows'):
        list(sliding_windows([torch.arange(3)], [Window(0, 5)]))
