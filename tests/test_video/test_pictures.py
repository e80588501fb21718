"""Thumbnails and films show what is on the screen at their times."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from video_files import (
    EVEN,
    H264,
    draw_number,
    evenly,
    make_film,
    read_number,
    write_video,
)

from mmvtg.video import BadSampleError
from mmvtg.video.clips import VideoItem
from mmvtg.video.decoding import MAX_BYTES, DecodedVideo, chunk_length
from mmvtg.video.pictures import FilmSource, ThumbnailSource, num_thumbnails

FILM = FilmSource(30.0, 1200, 600)
#: Ten frames in the first second, a frame every two seconds, thirty in the last second.
UNEVEN = [*evenly(10, 10), *(Fraction(s) for s in (1, 3, 5, 7)), *evenly(30, 30, 9)]


@pytest.fixture(scope='module')
def uneven(tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp('video') / 'uneven.mp4')
    return write_video(path, UNEVEN, rate=30, options=H264)


@pytest.fixture(scope='module')
def even(tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp('video') / 'even.mp4')
    return write_video(path, EVEN, options=H264)


def pictures(path: str, source, frame_rate=None) -> tuple[np.ndarray, float]:
    """All pictures, and the duration of the reader."""
    item = VideoItem(None, path, frame_rate=frame_rate)
    with DecodedVideo(item, source, 7) as video:
        chunks = list(video.chunks())
        assert sum(map(len, chunks)) == len(video)
        return np.concatenate(chunks), video.duration


def numbers(frames: np.ndarray) -> list:
    return [read_number(frame) for frame in frames]


def shown(times) -> list:
    """Numbers of the frames of the uneven video that a player shows."""
    stamps = np.array(UNEVEN, float)
    return [int(np.flatnonzero(stamps <= time + 1e-6)[-1]) for time in times]


def test_films_of_a_variable_rate_run_at_true_speed(uneven):
    frames, duration = pictures(uneven, FILM)
    assert duration == pytest.approx(10) and len(frames) == 44  # the mean rate
    assert numbers(frames) == shown(np.arange(44) / 4.4)
    frames, duration = pictures(uneven, FilmSource(2.0, 1200, 600))
    assert duration == 10 and len(frames) == 20
    assert numbers(frames) == shown(np.arange(20) / 2)


def test_films_of_a_constant_rate_have_every_frame(even):
    frames, duration = pictures(even, FILM)
    assert numbers(frames) == list(range(100)) and duration == 4
    frames, duration = pictures(even, FilmSource(5.0, 1200, 600))
    assert numbers(frames) == list(range(0, 100, 5)) and duration == 4
    frames, _ = pictures(even, FilmSource(10.0, 1200, 600))
    assert numbers(frames)[:5] == [0, 2, 5, 7, 10]  # shown then, and not the nearest


def test_parts_of_a_film(even, uneven):
    spans = ((2.0, 3.0), (0.5, 1.0))
    frames, duration = pictures(even, FilmSource(30.0, 1200, 600, spans))
    assert numbers(frames) == [*range(50, 75), *range(12, 24)]
    assert duration == pytest.approx(37 / 25)
    # what lies outside of the video is cut off, and parts of no length are none
    spans = ((3.9, 9.0), (1.0, 1.0), (2.0, 1.0), (-1.0, 0.08), (7.0, 8.0))
    frames, _ = pictures(even, FilmSource(30.0, 1200, 600, spans))
    assert numbers(frames) == [97, 98, 0, 1]
    frames, _ = pictures(uneven, FilmSource(2.0, 1200, 600, ((4.0, 8.0),)))
    assert numbers(frames) == shown(np.arange(8) / 2 + 4)
    outside = FilmSource(30.0, 1200, 600, ((5.0, 6.0), (1.0, 1.0)))
    with pytest.raises(BadSampleError, match=r'4\.00 s long, and none of the spans'):
        pictures(even, outside)


def test_films_fit_into_their_box_and_are_not_scaled_up(even):
    assert pictures(even, FILM)[0].shape == (100, 96, 128, 3)
    assert pictures(even, FilmSource(2.0, 64, 600))[0].shape[1:] == (48, 64, 3)
    assert pictures(even, FilmSource(2.0, 1200, 32))[0].shape[1:] == (32, 43, 3)


def test_thumbnails_are_the_middles_of_equal_parts(even, uneven):
    frames, duration = pictures(even, ThumbnailSource(144))
    assert frames.shape == (8, 144, 192, 3) and duration == 4
    assert numbers(frames) == [6, 18, 31, 43, 56, 68, 81, 93]
    frames, duration = pictures(uneven, ThumbnailSource(48))
    assert numbers(frames) == shown((np.arange(8) + 0.5) / 8 * 10) and duration == 10
    frames, _ = pictures(even, ThumbnailSource(48, 2.0))
    assert numbers(frames) == [3, 9, 15, 21, 28, 34, 40, 46]
    frames, _ = pictures(even, ThumbnailSource(48, 8.0))  # longer than the video
    assert numbers(frames)[-4:] == [99] * 4
    assert [num_thumbnails(aspect) for aspect in (0.1, 4 / 3, 16 / 9, 50)] == [
        14,
        8,
        6,
        4,
    ]


@pytest.mark.parametrize(
    'name', ['16x4000', '4000x16', '1x1 mkv', 'turned by 90 pixels 1 to 1']
)
def test_frames_of_any_shape(name, tmp_path):
    film = make_film(name, tmp_path)
    height, width = film.size
    frames, _ = pictures(film.path, ThumbnailSource(144))
    assert frames.shape[1] <= 144 and frames.shape[2] <= 144 * 16
    assert 144 in frames.shape[1:3] or frames.shape[2] == 144 * 16
    frames, _ = pictures(film.path, FilmSource(2.0, 200, 100))
    assert frames.shape[1] <= min(height, 100) and frames.shape[2] <= min(width, 200)


def test_folders_of_images(tmp_path):
    for number in range(20):
        Image.fromarray(draw_number(number)).save(tmp_path / f'{number}.png')
    folder = str(tmp_path)
    frames, duration = pictures(folder, FILM, frame_rate=5.0)
    assert numbers(frames) == list(range(20)) and duration == 4
    # the clock of a slow film goes on every second
    frames, duration = pictures(folder, FILM, frame_rate=0.5)
    assert numbers(frames) == [n for n in range(20) for _ in (0, 1)] and duration == 40
    spread = [1, 3, 6, 8, 11, 13, 16, 18]
    assert numbers(pictures(folder, ThumbnailSource(48), 5.0)[0]) == spread
    # without a rate, images share the duration
    for duration in (None, 4.0, 100.0):
        frames, _ = pictures(folder, ThumbnailSource(48, duration))
        assert numbers(frames) == spread
    with pytest.raises(ValueError, match='give the number of images per second'):
        pictures(folder, FILM)


@pytest.mark.parametrize('source', [FILM, ThumbnailSource(144), ThumbnailSource(2000)])
def test_few_frames_are_in_memory(source):
    frames = chunk_length(source.max_shape, 16, 5)
    assert frames * 5 * np.prod(source.max_shape) <= MAX_BYTES or frames == 1


def test_missing_and_damaged_files(tmp_path):
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    for source in (FILM, ThumbnailSource(144)):
        with pytest.raises(BadSampleError, match='does not exist'):
            pictures(str(tmp_path / 'none.mp4'), source)
        with pytest.raises(BadSampleError, match='cannot be opened'):
            pictures(str(tmp_path / 'bad.mp4'), source)
