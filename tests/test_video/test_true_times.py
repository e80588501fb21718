"""Every kind of file shows the frames, at the times, that a player shows."""

import os
import random
from fractions import Fraction
from pathlib import Path
from typing import List, Optional

import av
import numpy as np
import pytest
import video_files
from PIL import Image
from video_files import (
    COLOURS,
    EVEN,
    FILMS,
    H264,
    Film,
    draw_number,
    evenly,
    make_film,
    read_number,
    write_colours,
    write_sound,
    write_video,
)

from mmvtg.video import BadSampleError, open_video


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp('films')


@pytest.fixture(scope='module', params=list(FILMS))
def film(request, tmp_path_factory) -> Film:
    return make_film(request.param, tmp_path_factory.mktemp('films'))


@pytest.fixture(scope='module')
def plain(folder) -> str:
    """4 s in an MP4 file whose index comes first."""
    muxing = {'movflags': 'faststart'}
    path = str(folder / 'plain.mp4')
    return write_video(path, EVEN, options=H264, muxing=muxing)


def numbers(reader, index: List[int], film: Optional[Film] = None, **kwargs) -> list:
    read = read_number if film is None else film.read
    return [read(image) for image in reader.frames(index, **kwargs)]


def test_times_are_those_of_a_player(film, record_property):
    with open_video(film.path) as reader:
        times = np.array(film.times, float)
        assert reader.timestamps.shape == times.shape
        assert reader.timestamps.dtype == np.float64
        error = np.abs(reader.timestamps - times).max()
        late = abs(reader.duration - float(film.end))
        record_property('worst_time_error_s', float(error))
        record_property('duration_error_s', float(late))
        assert error <= film.within, f'times are up to {error:.6f} s off'
        assert late <= film.within, f'the duration is {late:.6f} s off'


def test_frames_are_those_of_a_player(film):
    random_order = random.Random(0)
    count = len(film.times)
    every = list(range(count))
    ends = [float(time) for time in film.times[1:]] + [float(film.end)]
    picked = random_order.sample(every, min(count, 12))
    with open_video(film.path) as reader:
        assert numbers(reader, every, film) == list(film.numbers)
        backwards = every[::-1] if 'open gop' in film.path else every[::-9]
        expected = [film.numbers[number] for number in backwards]
        assert numbers(reader, backwards, film) == expected
        for number in picked:
            assert numbers(reader, [number], film) == [film.numbers[number]]
        for number in picked:
            start, end = float(film.times[number]), ends[number]
            after = min(number + 1, count - 1)
            queries = [start, start + 0.3 * (end - start), start + 0.7 * (end - start)]
            assert reader.nearest(queries).tolist() == [number, number, after]
            shown = [film.read(image) for image in reader.frames_at(queries)]
            assert shown == [film.numbers[i] for i in (number, number, after)]
        assert reader.nearest([-1.0, 1e4]).tolist() == [0, count - 1]


def test_frames_have_the_size_that_is_shown(film):
    with open_video(film.path) as reader:
        assert (reader.height, reader.width) == film.size
        assert reader.rotation == film.rotation
        last = len(film.times) - 1
        (image,) = reader.frames([0])
        assert image.shape == (*film.size, 3)
        assert image.dtype == np.uint8
        (image,) = reader.frames([last], size=(40, 72))
        assert image.shape == (40, 72, 3)
        assert film.read(image) == film.numbers[last]


def test_a_tie_goes_to_the_even_frame(folder):
    path = write_video(str(folder / 'two.mp4'), evenly(9, 2), rate=2, options=H264)
    with open_video(path) as reader:
        ties = np.arange(8) / 2 + 0.25
        assert reader.nearest(ties).tolist() == [0, 2, 2, 4, 4, 6, 6, 8]
        assert reader.nearest(ties).dtype == np.int64


def test_threads_change_nothing(plain):
    with open_video(plain, num_threads=4) as reader:
        assert numbers(reader, [50, 3, 99, 98]) == [50, 3, 99, 98]


@pytest.mark.parametrize(
    'name',
    [
        'mp4',
        'ntsc mp4',
        'sparse h264 mp4',
        'gap mkv',
        'late video mp4',
        'edit list 2 b-frames',
        'starts at 5 s mp4',
        'turned by 90 pixels 1 to 1',
        'turned by 0 pixels 2 to 1',
    ],
)
def test_decord_is_right_or_refuses(name, folder):
    film = make_film(name, folder)
    try:
        reader = open_video(film.path, backend='decord')
    except BadSampleError as error:
        assert name != 'mp4'
        assert 'pyav' in str(error)
        return
    with reader:
        assert np.abs(reader.timestamps - np.array(film.times, float)).max() <= 1e-3
        assert abs(reader.duration - float(film.end)) <= 1e-3
        assert (reader.height, reader.width) == film.size
        assert numbers(reader, [80, 3, 40]) == [film.numbers[i] for i in (80, 3, 40)]


# ------------------------------------------------------------------------------ colours
def ffmpeg_colours(path: str) -> List[np.ndarray]:
    """Frames as ``ffmpeg -pix_fmt rgb24`` gives them."""
    images: List[np.ndarray] = []
    with av.open(path) as file:
        for frame in file.decode(video=0):
            graph = av.filter.Graph()
            source = graph.add(
                'buffer',
                video_size=f'{frame.width}x{frame.height}',
                pix_fmt=frame.format.name,
                time_base='1/25',
                colorspace=str(int(frame.colorspace)),
                range=str(int(frame.color_range)),
            )
            steps = graph.add('scale'), graph.add('format', 'rgb24')
            graph.link_nodes(source, *steps, graph.add('buffersink')).configure()
            graph.push(frame)
            images.append(graph.pull().to_ndarray())
    return images


@pytest.mark.parametrize('name', list(COLOURS))
def test_colours_are_those_of_ffmpeg(name, tmp_path, record_property):
    path = write_colours(name, tmp_path)
    with open_video(path) as reader:
        images = list(reader.frames(range(3)))
    expected = ffmpeg_colours(path)
    errors = [
        np.abs(image.astype(int) - right).max()
        for image, right in zip(images, expected)
    ]
    record_property('worst_colour_error', int(max(errors)))
    assert len(errors) == 3
    assert max(errors) <= 1


# -------------------------------------------------------------------------------- names
@pytest.mark.parametrize(
    'name',
    [
        os.fsdecode(b'caf\xe9.mp4'),
        'x' * 236 + '.mp4',
        'two  words.mp4',
        '100%d %s.mp4',
        '\'single\' and "double".mp4',
        'a:b.mp4',
        '-i.mp4',
        'concat:a.mp4',
        'http:a.mp4',
        'line\nbreak.mp4',
        'видео 视频.mp4',
        'no ending',
        'picture.jpg',
    ],
    ids=lambda name: name.encode('ascii', 'backslashreplace').decode()[:20],
)
@pytest.mark.parametrize('relative', [True, False])
def test_any_name_will_do(name, relative, plain, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(Path(plain).read_bytes())
    monkeypatch.chdir(tmp_path)
    with open_video(name if relative else str(tmp_path / name)) as reader:
        assert numbers(reader, [7, 90]) == [7, 90]
    os.truncate(tmp_path / name, 100)
    with pytest.raises(BadSampleError) as caught:
        open_video(name)
    str(caught.value).encode()  # can be printed


def test_a_path_object_will_do(plain):
    with open_video(Path(plain)) as reader:
        assert len(reader.timestamps) == 100


# ----------------------------------------------------------------- what cannot be shown
def message(path, **kwargs) -> str:
    """What is said of a file that cannot be opened."""
    with pytest.raises(BadSampleError) as caught:
        open_video(str(path), video_id='clip7', **kwargs)
    assert 'clip7' in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('backend', ['auto', 'pyav', 'decord'])
def test_missing_empty_or_no_video(backend, tmp_path):
    said = message(tmp_path / 'none.mp4', backend=backend)
    assert 'does not exist' in said and 'download' in said
    (tmp_path / 'empty.mp4').touch()
    said = message(tmp_path / 'empty.mp4', backend=backend)
    assert 'empty' in said and 'download' in said
    (tmp_path / 'text.mp4').write_text('this is no video\n' * 100)
    said = message(tmp_path / 'text.mp4', backend=backend)
    assert 'no video' in said and 'download' in said
    (tmp_path / 'html.mp4').write_text('<html><body>404</body></html>')
    assert 'no video' in message(tmp_path / 'html.mp4', backend=backend)


@pytest.mark.parametrize(
    ('name', 'codec', 'cover'),
    [
        ('sound.mp4', 'aac', False),
        ('cover.mp4', 'aac', True),
        ('cover.m4a', 'aac', True),
        ('sound.mp3', 'libmp3lame', False),
        ('cover.mp3', 'libmp3lame', True),
    ],
)
def test_sound_alone_is_no_video(name, codec, cover, tmp_path):
    path = write_sound(str(tmp_path / name), codec, cover)
    assert 'no video' in message(path)


def test_a_file_without_index_cannot_be_opened(tmp_path):
    path = write_video(str(tmp_path / 'a.mp4'), EVEN, options=H264)
    os.truncate(path, os.path.getsize(path) * 6 // 10)
    said = message(path)
    assert 'truncated' in said and 'download' in said


def test_a_file_that_is_cut_off_is_refused(plain, tmp_path):
    """Its header promises more: whoever wants the rest should know at once."""
    path = tmp_path / 'cut.mp4'
    data = Path(plain).read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(BadSampleError) as caught:
        open_video(str(path), video_id='clip7')
    said = str(caught.value)
    assert 'clip7' in said and str(path) in said and 'breaks off' in said
    assert 'announces 4.0 s' in said and 'download' in said


@pytest.mark.parametrize(
    'name', ['ts copy', 'mkv', 'flv h264', 'live webm', 'avi x264']
)
def test_other_files_that_break_off_give_what_they_have(name, tmp_path):
    film = make_film(name, tmp_path)
    os.truncate(film.path, os.path.getsize(film.path) * 6 // 10)
    whole: List[int] = []
    try:
        with open_video(film.path) as reader:
            shown = (reader.timestamps * 25).round().astype(int).tolist()
            for image in reader.frames(range(len(shown))):
                whole.append(read_number(image))
    except BadSampleError as error:
        assert 'breaks off' in str(error)
    else:
        assert whole == shown


def test_a_time_stamp_of_weeks_is_damage(tmp_path):
    """The clips of much longer times would not fit any memory."""
    path = str(tmp_path / 'weeks.mkv')
    times = [*evenly(20), Fraction(20 * 86400)]
    write_video(path, times, time_base=Fraction(1, 1000))
    with pytest.raises(BadSampleError, match='days by its time stamps'):
        open_video(path)


def test_a_hole_in_a_file_is_not_hidden(plain, tmp_path):
    """Frames around damage are right, or it is said that the video breaks off."""
    data = bytearray(Path(plain).read_bytes())
    third = len(data) // 3
    data[third : third + 3000] = bytes(3000)
    path = tmp_path / 'hole.mp4'
    path.write_bytes(data)
    try:
        with open_video(str(path)) as reader:
            shown = numbers(reader, range(len(reader)))
            expected = np.rint(reader.timestamps * 25)
            # a neighbor within a second stands for what cannot be decoded
            assert np.abs(np.asarray(shown) - expected).max() <= 25
    except BadSampleError as error:
        assert 'breaks off' in str(error)


def test_an_unknown_backend_is_refused(plain):
    with pytest.raises(ValueError, match='backend.*pyav'):
        open_video(plain, backend='opencv')


# -------------------------------------------------------------------- folders of images
def save(folder: Path, names: List[str]) -> str:
    folder.mkdir()
    for number, name in enumerate(names):
        Image.fromarray(draw_number(number)).save(folder / name)
    return str(folder)


@pytest.mark.parametrize(
    'names',
    [
        [f'frame_{i:05d}.jpg' for i in range(1, 21)],
        [f'frame_{i:05d}.jpg' for i in (1, 2, 5, 9, 100, 101)],
        [f'{i}.png' for i in range(8, 13)],
        ['img_1.PNG', 'img_2.jpg', 'img_10.jpeg', 'img_11.png'],
    ],
    ids=['plain', 'gaps', 'not padded', 'mixed'],
)
def test_images_are_shown_in_order(names, tmp_path):
    path = save(tmp_path / 'images', names)
    (tmp_path / 'images' / 'notes.txt').write_text('no image')
    (tmp_path / 'images' / '.hidden.jpg').write_text('no image')
    count = len(names)
    with open_video(path, frame_rate=10) as reader:
        assert np.allclose(reader.timestamps, np.arange(count) / 10, atol=1e-9, rtol=0)
        assert reader.duration == pytest.approx(count / 10)
        assert (reader.height, reader.width, reader.rotation) == (96, 128, 0)
        assert numbers(reader, range(count)) == list(range(count))
        assert numbers(reader, [count - 1, 1], size=(48, 64)) == [count - 1, 1]
        shown = [read_number(image) for image in reader.frames_at([0.14, 0.26])]
        assert shown == [1, 3]


def test_images_need_a_rate(tmp_path):
    path = save(tmp_path / 'images', ['1.png', '2.png'])
    for rate in (None, 0, -1, float('nan')):
        with pytest.raises(ValueError, match='fps') as caught:
            open_video(path, frame_rate=rate)
        assert path in str(caught.value)


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / 'notes.txt').write_text('no image')
    said = message(tmp_path, frame_rate=10)
    assert 'images' in said and '.jpg' in said


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    path = save(tmp_path / 'images', ['1.png', '2.png', '3.png'])
    (tmp_path / 'images' / '2.png').write_bytes(b'no image')
    with open_video(path, frame_rate=10, video_id='clip7') as reader:
        assert numbers(reader, [2, 0]) == [2, 0]
        with pytest.raises(BadSampleError, match='clip7.*2.png.*replace'):
            list(reader.frames([1]))


def test_the_films_have_different_numbers():
    """What the tests read is what was drawn, at any size."""
    sizes = [(96, 128), (48, 64), (33, 41), (16, 4000), (4000, 16)]
    for number in (0, 1, 2, 77, 256, 65535):
        for size in sizes:
            assert read_number(draw_number(number, size)) == number
    with pytest.raises(AssertionError):
        read_number(np.full((96, 128, 3), 128, np.uint8))
    assert video_files.read_grey(video_files.draw_grey(4, (1, 1))) == 4
