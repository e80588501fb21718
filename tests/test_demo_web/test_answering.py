"""What the web demo does behind the page."""

import multiprocessing
import os
import re
import time

import pytest
from answering import Models, Trouble, ask, check_video, find_videos, time_at
from fake_videos import trouble

from mmvtg.video.clips import FrameSource


@pytest.fixture
def models(bright_config) -> Models:
    return Models([(bright_config, 'random'), (bright_config, 'random')], 'cpu')


def test_an_answer_has_a_picture_and_moments(models, write_video):
    answer = ask(models['bright'], write_video(5, 9), '  red ')
    assert answer.rows == [['1', '5.0 s', '9.0 s', answer.rows[0][3]]]
    assert answer.starts == [5.0] and answer.duration == 20
    assert answer.picture.shape[1:] == (1200, 3)
    assert answer.note == 'Most salient at 5.0 s.'
    left, right = answer.panels.left, answer.panels.right
    assert time_at(left, answer) == 0 and time_at(right, answer) == 20
    assert time_at((left + right) / 2, answer) == 10
    assert time_at(left - 1, answer) is None and time_at(1199, answer) is None


def test_no_moments_are_said(models, write_video):
    answer = ask(models['bright'], write_video(5, 9), 'blue')
    assert not answer.rows and answer.note.startswith('This model names no moments.')


@pytest.mark.parametrize('query', ['', '  ', None])
def test_an_empty_query_is_trouble(models, write_video, query):
    with pytest.raises(Trouble, match='type what happens'):
        ask(models['bright'], write_video(5, 9), query)


def test_one_config_twice_has_two_names_and_is_loaded_when_asked(models):
    assert models.names == ['bright', 'bright, random']
    assert not models._loaded
    assert models['bright'] is models['bright'] is not models['bright, random']


def test_two_models_with_nothing_to_tell_them_apart_have_two_names(bright_config):
    assert Models([(bright_config, None)] * 2).names[1] == 'bright (another)'


def test_a_model_that_cannot_be_loaded_is_trouble(bright_config):
    models = Models([(bright_config, 'gone.pth'), ('nonsense', None)])
    with pytest.raises(Trouble, match=r'gone\.pth does not exist'):
        models['bright']
    with pytest.raises(Trouble, match='neither a config file nor the name'):
        models['nonsense']


def test_videos_are_checked_before_they_are_asked(write_video, tmp_path):
    assert check_video(write_video(5, 9), 60) == 20
    with pytest.raises(Trouble, match='lasts 61 s, 60 s are allowed'):
        check_video(write_video(1, 2, 61, 'long.mp4'), 60)
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(Trouble, match='the video cannot be used: it cannot') as info:
        check_video(str(tmp_path / 'bad.mp4'), 60)
    assert str(tmp_path) not in str(info.value)
    for nothing in (None, '', str(tmp_path / 'gone.mp4')):
        with pytest.raises(Trouble, match='choose or upload'):
            check_video(nothing, 60)


class Aborting(FrameSource):
    def open(self, item, on_progress=None):
        trouble('abort')


class Hanging(FrameSource):
    def open(self, item, on_progress=None):
        trouble('hang')


class Endless(FrameSource):
    def open(self, item, on_progress=None):
        while True:
            on_progress()
            time.sleep(0.01)


@pytest.mark.parametrize(
    'source, reason',
    [
        (Endless, 'it did not open in 2 s'),
        (Aborting, 'it ended the process that decoded it (SIGABRT)'),
        (Hanging, 'it makes no progress'),
    ],
)
def test_a_decoder_that_dies_or_hangs_does_not_end_the_demo(
    models, write_video, monkeypatch, source, reason
):
    good = write_video(5, 9)
    with monkeypatch.context() as patch:
        patch.setattr('answering.FrameSource', source)
        patch.setattr('answering._DEADLINE', 1.0)
        with pytest.raises(Trouble, match=re.escape(reason)) as info:
            check_video(good, 60)
    assert good not in str(info.value)
    assert not multiprocessing.active_children()
    assert check_video(good, 60) == 20
    assert ask(models['bright'], good, 'red').starts == [5.0]


@pytest.mark.parametrize('suffix', ['.mkv', '.MOV', '.ts', '.avi', '.m2ts', '.mpg'])
def test_videos_of_many_kinds_are_offered_and_read(write_video, tmp_path, suffix):
    path = write_video(5, 9, 3, f'v{suffix}')
    assert find_videos(str(tmp_path)) == {f'v{suffix}': path}
    assert check_video(path, 60) == pytest.approx(3)


def test_videos_of_a_folder(write_video, tmp_path):
    write_video(5, 9)
    (tmp_path / 'notes.txt').write_text('x')
    assert find_videos(str(tmp_path)) == {'v.mp4': str(tmp_path / 'v.mp4')}
    assert find_videos(None) == {}
    (tmp_path / '<b>.mp4').mkdir()
    (tmp_path / 'gone.mp4').symlink_to(tmp_path / 'nowhere')
    (tmp_path / 'loop.mp4').symlink_to('loop.mp4')
    os.mkfifo(tmp_path / 'pipe.mp4')  # reading it would wait for ever
    assert find_videos(str(tmp_path)) == {'v.mp4': str(tmp_path / 'v.mp4')}
    with pytest.raises(FileNotFoundError, match='there is no folder'):
        find_videos(str(tmp_path / 'gone'))
