"""The timeline picture: it draws whatever is known, and text stays inside."""

import matplotlib.image
import numpy as np
import pytest
from video_files import EVEN, H264, read_number, write_video

from mmvtg.visualization import Timeline, draw_timeline
from mmvtg.visualization.panels import BLUE, GREEN, ORANGE
from mmvtg.visualization.text import format_time, time_ticks, wrap
from mmvtg.visualization.thumbnails import read_thumbnails, spread_thumbnails


def _has(image, color):
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((np.abs(image.astype(int) - wanted).max(axis=-1) < 12).any())


def _full():
    return Timeline(
        'a red circle',
        40.0,
        spans=[[10, 20], [0, 5]],
        scores=[0.9, 0.2],
        annotated=[[11, 21]],
        saliency=np.arange(40),
        annotated_saliency=[0, 1, 2, 3],
        annotated_fps=0.1,
        thumbnails=np.zeros((8, 64, 64, 3), 'uint8'),
    )


def test_draws_everything_and_writes_the_same_png(tmp_path):
    path = tmp_path / 'new' / 'x.png'
    image = draw_timeline(_full(), out_file=str(path))
    assert image.dtype == np.uint8 and image.shape[1:] == (1200, 3)
    assert _has(image, GREEN) and _has(image, ORANGE)
    written = (matplotlib.image.imread(path)[..., :3] * 255).round().astype('uint8')
    assert np.array_equal(written, image)


def test_bar_lies_where_the_moment_is():
    # Both pictures are blank but for the bar of the best moment.
    left = draw_timeline(Timeline('', 100.0, spans=[[0, 40]], scores=[1.0]))
    right = draw_timeline(Timeline('', 100.0, spans=[[60, 100]], scores=[1.0]))
    assert _has(left[:, 140:440], '#1980b9') and not _has(left[:, 620:930], '#1980b9')
    assert _has(right[:, 640:930], '#1980b9') and not _has(right[:, 140:600], '#1980b9')


def test_without_annotation_nothing_is_green():
    timeline = Timeline('q', 9.0, spans=[[1, 2]], scores=[0.5], saliency=[1, 2])
    image = draw_timeline(timeline)
    assert not _has(image, GREEN) and _has(image, BLUE)


@pytest.mark.parametrize(
    'timeline',
    [
        Timeline('', 3.0),
        Timeline('one clip', 1.0, spans=[[0, 1]], scores=[0.1], saliency=[0.4]),
        Timeline('$5 or {x} or $y_', 1e4, spans=[[1, 1]], scores=[-0.5]),
        Timeline('only annotated', 700.0, annotated=[[5, 6], [8, 9]]),
        Timeline('many clips', 5000.0, saliency=np.random.rand(2501), fps=0.5),
        Timeline('no moment', 5.0, annotated=np.zeros((0, 2)), annotated_saliency=[]),
    ],
    ids=lambda timeline: timeline.query or 'empty',
)
def test_draws_what_there_is(timeline):
    image = draw_timeline(timeline)
    assert image.shape[1] == 1200 and image.shape[0] < 800


def test_long_queries_make_the_picture_taller_and_stay_inside():
    short = draw_timeline(Timeline('word', 9.0))
    long = draw_timeline(Timeline('word ' * 300 + 'x' * 500, 9.0))
    assert 0 < len(long) - len(short) <= 3 * 29 + 2
    assert (long[:, -25:] == 255).all()  # the right edge is blank


def test_drawing_leaves_no_global_state():
    import matplotlib.pyplot as plt

    draw_timeline(_full())
    assert plt.get_fignums() == []


def test_bad_timelines_are_refused():
    with pytest.raises(ValueError, match='duration = 0'):
        Timeline('q', 0)
    with pytest.raises(ValueError, match='1 spans but 2 scores'):
        Timeline('q', 3, spans=[[0, 1]], scores=[0.5, 0.5])


def test_wrap_breaks_at_words_and_cuts_with_an_ellipsis():
    assert wrap('aa bb cc', 5, len, 3) == ['aa bb', 'cc']
    assert wrap('abcdefgh', 3, len, 3) == ['abc', 'def', 'gh']
    assert wrap('aa bb cc dd', 5, len, 1) == ['aa …']
    assert wrap('  ', 5, len, 1) == []


def test_times():
    assert format_time(8.26, 30, 1) == '8.3 s'
    assert format_time(68, 150) == '1:08'
    assert format_time(59.97, 150, 1) == '1:00.0'
    assert format_time(4000, 5000) == '1:06:40'


@pytest.mark.parametrize('duration', [0.4, 1, 7.3, 30.7, 150, 1402, 5e4])
def test_ticks_cover_the_video_without_crowding(duration):
    ticks = time_ticks(duration)
    assert ticks[0] == 0 and ticks[-1] <= duration * (1 + 1e-5)
    assert 2 <= len(ticks) <= 11


def test_thumbnails_are_spread_over_the_video():
    frames = np.arange(100, dtype=np.uint8)[:, None, None, None]
    frames = np.broadcast_to(frames, (100, 10, 22, 3))
    chosen = spread_thumbnails(frames)[:, 0, 0, 0].tolist()
    assert chosen == [10, 30, 50, 70, 90]
    with pytest.raises(ValueError, match='must be'):
        spread_thumbnails(frames[..., 0])


@pytest.mark.parametrize('content', [None, b'', b'no video at all'])
def test_unreadable_videos_are_named(tmp_path, content):
    path = tmp_path / 'x.mp4'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r'no frames can be read from .*x\.mp4'):
        read_thumbnails(str(path))


def test_thumbnails_of_a_video(tmp_path):
    path = write_video(str(tmp_path / 'v.mp4'), EVEN, options=H264)
    frames = read_thumbnails(path)
    assert frames.shape == (8, 144, 192, 3) and frames.dtype == np.uint8
    numbers = [read_number(frame) for frame in frames]
    assert numbers == [6, 18, 31, 43, 56, 68, 81, 93]
    half = [read_number(frame) for frame in read_thumbnails(path, 2.0, 48)]
    assert half == [3, 9, 15, 21, 28, 34, 40, 46]


def test_moments_of_no_length_are_dropped():
    spans = [[0, 0], [2, 4], [3, 3], [9, 9], [4, 2], [10, 12], [-3, -1], [8, 12]]
    scores = np.arange(8.0)
    timeline = Timeline('q', 9.0, spans=spans, scores=scores, annotated=spans)
    assert timeline.spans.tolist() == [[2, 4], [8, 12]] == timeline.annotated.tolist()
    assert timeline.scores.tolist() == [1, 7]
    missing = Timeline('q', 9.0, spans=[[0, 0]], scores=[0.5], annotated=[[0, 0]])
    image = draw_timeline(missing)
    assert not _has(image[:, 130:945], BLUE) and not _has(image[:, 130:945], GREEN)
