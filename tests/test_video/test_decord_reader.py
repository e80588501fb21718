"""decord reads files that it gets right as PyAV does, and refuses others by name."""

import numpy as np
import pytest
from video_files import EVEN, H264, draw_colours, make_film, write_video

from mmvtg.video import BadSampleError, open_video


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('films')


@pytest.mark.parametrize(
    'name', ['mp4', 'mkv', 'mov', 'ntsc mp4', '60 fps mkv', '2 fps mp4', 'odd size']
)
def test_files_of_a_constant_rate_are_read(name, folder):
    film = make_film(name, folder)
    index = [0, 1, 2, len(film.times) - 1, 3, 3, 7]
    with (
        open_video(film.path, 'decord') as reader,
        open_video(film.path, 'pyav') as truth,
    ):
        assert (len(reader), reader.duration) == (len(truth), truth.duration)
        assert reader.timestamps.tolist() == truth.timestamps.tolist()
        assert (reader.size, reader.size) == (truth.size, film.size)
        for one, two in zip(reader.frames(index), truth.frames(index), strict=True):
            assert np.array_equal(one, two)
        assert next(reader.frames([5], (20, 30))).shape == (20, 30, 3)


def test_colors_are_those_of_pyav_to_the_pixel(folder):
    path = str(folder / 'colors.mp4')
    write_video(path, EVEN[:30], options=H264, size=(180, 320), draw=draw_colours)
    with open_video(path, 'decord') as one, open_video(path, 'pyav') as two:
        for number in (0, 29, 11):
            frames = next(one.frames([number])), next(two.frames([number]))
            assert np.array_equal(*frames)


@pytest.mark.parametrize(
    'name, reason',
    [
        ('sparse h264 mp4', 'its frame rate varies, and decord counts frames'),
        ('sparse vp9 webm', 'its frame rate varies'),
        ('gap mkv', 'its frame rate varies'),
        ('avi x264', 'wrong times or frames of this container'),
        ('ts h264', 'wrong times or frames of this container'),
        ('mpg mpeg-2', 'wrong times or frames of this container'),
        ('late video mp4', r'its first frame is shown at 1\.500 s, not at 0'),
        ('open gop h264 mp4', 'its groups of pictures are open'),
        ('turned by 0 pixels 2 to 1', 'its pixels are not square'),
    ],
)
def test_files_that_it_gets_wrong_are_refused_with_the_reason(name, reason, folder):
    film = make_film(name, folder)
    with pytest.raises(BadSampleError, match=f'video v .*: .*{reason}.*pyav') as error:
        open_video(film.path, 'decord', 'v')
    assert film.path in str(error.value)
    open_video(film.path, 'auto').close()


def test_codec_that_decord_lacks_is_named(folder):
    film = make_film('av1 mp4', folder)
    with pytest.raises(BadSampleError, match="av1 video .*read it with backend='pyav'"):
        open_video(film.path, 'decord')
