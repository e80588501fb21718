"""Times find the frames that players and ffmpeg show."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmvtg.video.timing import FrameTimes, frame_times

UNEVEN = np.array([0.0, 0.1, 0.15, 0.8, 0.83, 2.0, 2.07, 3.0])


def regular(count: int, rate) -> FrameTimes:
    return frame_times(np.arange(count) / float(rate), None, [Fraction(rate)])


@st.composite
def uneven_times(draw) -> FrameTimes:
    """Times that are multiples of a millisecond."""
    gaps = draw(st.lists(st.integers(1, 4000), min_size=1, max_size=40))
    start = draw(st.integers(0, 3000))
    ticks = start + np.cumsum([0, *gaps])
    return FrameTimes(ticks[:-1] / 1000, float(ticks[-1]) / 1000)


@given(uneven_times(), st.lists(st.floats(-1, 200), min_size=1, max_size=20))
def test_nearest(times, wanted):
    found = times.nearest(wanted)
    assert found.dtype == np.int64
    gaps = np.abs(times.times[:, None] - np.asarray(wanted))
    assert gaps[found, range(len(wanted))] == pytest.approx(gaps.min(0), abs=2e-5)


def test_nearest_takes_even_numbers_halfway():
    times = regular(10, 10)
    assert times.nearest([0.05, 0.15, 0.25, 0.35]).tolist() == [0, 2, 2, 4]
    assert times.nearest([-5, 0, 0.94, 0.96, 7]).tolist() == [0, 0, 9, 9, 9]
    third = regular(91, Fraction(30000, 1001))
    assert third.nearest(np.arange(4.0)).tolist() == [0, 30, 60, 90]


@given(uneven_times(), st.lists(st.integers(0, 200_000), min_size=1, max_size=20))
def test_shown_and_before(times, ticks):
    wanted = [tick / 1000 for tick in ticks]
    for found, side in ((times.shown(wanted), 'right'), (times.before(wanted), 'left')):
        stamps = np.rint(times.times * 1000)
        expected = np.searchsorted(stamps, ticks, side) - 1
        assert found.tolist() == expected.clip(0, len(times) - 1).tolist()


def test_shown_forgives_rounding():
    times = regular(3000, Fraction(30000, 1001))
    assert times.shown(times.times).tolist() == list(range(3000))
    assert times.shown(times.times - 1e-9).tolist() == list(range(3000))
    assert times.before(times.times + 1e-9)[1:].tolist() == list(range(2999))


def ffmpeg_fps(stamps: list[int], unit: Fraction, rate: Fraction) -> list[int]:
    """Frames that ``ffmpeg -vf fps`` shows at each tick."""
    graph = av.filter.Graph()
    size = dict(video_size='16x16', pix_fmt='gray')
    source = graph.add('buffer', time_base=str(unit), **size)
    fps = graph.add('fps', f'fps={rate}:start_time=0')
    graph.link_nodes(source, fps, graph.add('buffersink')).configure()
    shown = []

    def pull() -> None:
        try:
            while True:
                shown.append(int(graph.pull().to_ndarray()[0, 0]))
        except (av.BlockingIOError, av.EOFError):
            pass

    for number, stamp in enumerate(stamps):
        image = np.full((16, 16), number, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format='gray')
        frame.pts, frame.time_base = stamp, unit
        graph.push(frame)
        pull()
    graph.push(None)
    pull()
    return shown


@pytest.mark.parametrize('rate', ['1/2', '1', '2', '3', '30', '7'])
@pytest.mark.parametrize('source', [24, 25, 30, 60, Fraction(30000, 1001), 'uneven'])
def test_before_is_ffmpegs_fps_filter(source, rate):
    rate = Fraction(rate)
    if source == 'uneven':
        stamps, unit = np.rint(UNEVEN * 1000).astype(int).tolist(), Fraction(1, 1000)
    else:
        stamps, unit = list(range(150)), 1 / Fraction(source)
    expected = ffmpeg_fps(stamps, unit, rate)
    times = FrameTimes(np.array(stamps) * float(unit), (stamps[-1] + 1) * float(unit))
    ticks = np.arange(len(expected))
    assert times.before((ticks + 0.5) / float(rate)).tolist() == expected


@pytest.mark.parametrize('rate', [24, 25, 30, 60, 2, '24000/1001', '30000/1001'])
@pytest.mark.parametrize('rounded', [np.rint, np.floor])
@pytest.mark.parametrize('start', [0.0, 0.021])
def test_milliseconds_of_matroska_are_undone(rate, rounded, start):
    rate = Fraction(rate)
    true = start + np.arange(5000) / float(rate)
    times = frame_times(rounded(true * 1000) / 1000, 0.033, [None, rate], 1e-3)
    assert times.rate == rate and times.frame_rate == float(rate)
    assert np.diff(times.times) == pytest.approx(1 / float(rate))
    assert np.abs(times.times - true).max() <= 1.01e-3
    assert times.end == pytest.approx(true[-1] + 1 / float(rate), abs=1.01e-3)


def test_times_that_are_uneven_stay_as_they_are():
    times = frame_times(UNEVEN, 0.2, [Fraction(25)], 1e-3)
    assert times.rate is None and times.times.tolist() == UNEVEN.tolist()
    assert times.end == 3.2 and times.frame_rate == pytest.approx(8 / 3.2)
    # a clock of hundredths is what players show
    rounded = np.rint(np.arange(30) / 30 * 100) / 100
    assert frame_times(rounded, 0.03, [Fraction(30)], 0.01).rate is None
    # one frame more than a rate explains
    late = np.arange(100) / 25
    late[50:] += 0.002
    assert frame_times(late, 0.04, [Fraction(25)], 1e-3).rate is None


def test_a_last_frame_without_a_duration():
    assert frame_times(UNEVEN, None, [], 1e-3).end == 3.1  # the median of all others
    assert frame_times(UNEVEN, 0.0, [Fraction(25)], 1e-3).end == 3.1
    assert frame_times(np.zeros(1), None, [Fraction(10)]).end == 0.1
    assert frame_times(np.zeros(1), None).end == 0.04
