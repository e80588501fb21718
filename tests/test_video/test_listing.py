"""The videos of a folder, whatever else lies there."""

import os

import pytest
from video_files import FILMS, make_film

from mmvtg.video import open_video
from mmvtg.video.listing import VIDEO_SUFFIXES, is_video, list_folder


def touch(folder, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(folder) -> list[str]:
    return [name for name, _ in list_folder(str(folder)).videos]


def test_files_and_folders_of_images(tmp_path):
    touch(tmp_path, 'b.mp4', 'a.MKV', 'sub/c.webm', 'sub/deep/d.e.M2TS', '.hidden.mp4')
    touch(tmp_path, '.cache/x.mp4', 'frames/v.1/2.jpg', 'frames/v.1/10.jpg')
    touch(tmp_path, 'sub/poster.jpg', 'notes.txt', 'b.srt', 'b.json')
    found = list_folder(str(tmp_path))
    assert found.videos == [
        ('a', str(tmp_path / 'a.MKV')),
        ('b', str(tmp_path / 'b.mp4')),
        ('frames/v.1', str(tmp_path / 'frames/v.1')),
        ('sub/c', str(tmp_path / 'sub/c.webm')),
        ('sub/deep/d.e', str(tmp_path / 'sub/deep/d.e.M2TS')),
    ]
    assert found.left_out == [str(tmp_path / 'sub/poster.jpg')]


def test_other_files_are_told(tmp_path):
    touch(tmp_path, 'a.mp4', 'b.wav', 'c', 'd.mp4.part', 'e.csv', 'f.npy')
    left_out = list_folder(str(tmp_path)).left_out
    assert [os.path.basename(path) for path in left_out] == ['b.wav', 'c', 'd.mp4.part']


def test_a_folder_that_is_a_video_itself(tmp_path):
    touch(tmp_path, 'v.mp4/1.png', 'v.mp4/2.png')
    folder = tmp_path / 'v.mp4'
    assert list_folder(f'{folder}/').videos == [('v.mp4', f'{folder}/')]
    assert names(tmp_path) == ['v.mp4']


def test_links_are_followed_once(tmp_path):
    root = tmp_path / 'root'
    touch(tmp_path, 'root/sub/a.mp4', 'other/b.mp4', 'other/more/c.mp4', 'd.mp4')
    (root / 'sub' / 'loop').symlink_to(root)
    (root / 'parent').symlink_to(tmp_path)  # a loop, too: it contains the root
    (root / 'self').symlink_to(root / 'self')
    (root / 'afar').symlink_to(tmp_path / 'other')
    (root / 'zfar').symlink_to(tmp_path / 'other')
    (root / 'again').symlink_to(root / 'sub')
    (root / 'link.mp4').symlink_to(tmp_path / 'd.mp4')
    (root / 'gone.mp4').symlink_to(tmp_path / 'nothing.mp4')
    found = list_folder(str(root))
    assert [name for name, _ in found.videos] == [
        'afar/b',
        'afar/more/c',
        'gone',
        'link',
        'sub/a',
    ]
    assert found.left_out == [str(root / 'self')]


def test_names_that_are_not_utf_8(tmp_path):
    path = os.fsencode(tmp_path / 'x') + b'\xe9.mp4'
    with open(path, 'wb'):
        pass
    ((name, found),) = list_folder(str(tmp_path)).videos
    assert name == 'x\\xe9' and os.fsencode(found) == path
    name.encode()
    # a folder of that name, too
    os.mkdir(os.fsencode(tmp_path) + b'/\xff')
    with open(os.fsencode(tmp_path) + b'/\xff/1.jpg', 'wb'):
        pass
    assert names(tmp_path) == ['\\xff', 'x\\xe9']


def test_a_folder_that_is_missing_or_closed(tmp_path):
    with pytest.raises(FileNotFoundError):
        list_folder(str(tmp_path / 'gone'))
    touch(tmp_path, 'a.mp4', 'closed/b.mp4')
    (tmp_path / 'closed').chmod(0)
    try:
        found = list_folder(str(tmp_path))
    finally:
        (tmp_path / 'closed').chmod(0o700)
    if os.getuid():  # root may read all
        assert [name for name, _ in found.videos] == ['a']
        assert found.left_out == [str(tmp_path / 'closed')]


def test_a_deep_tree_is_no_problem(tmp_path):
    path = tmp_path.joinpath(*['d'] * 400)
    touch(path, 'a.mp4')
    assert names(tmp_path) == ['d/' * 400 + 'a']


@pytest.mark.parametrize('suffix', VIDEO_SUFFIXES)
def test_suffixes(suffix):
    assert suffix == suffix.lower() and suffix.startswith('.')
    assert is_video(f'A B{suffix.upper()}') and not is_video(suffix[1:])


def test_every_film_that_is_read_is_listed():
    endings = {'mp4', 'mkv', 'webm', 'ts', 'avi', 'mov', 'mpg', 'wmv', 'flv', 'gif'}
    endings |= {'m2ts', 'mts', 'mpeg', '3gp', 'ogv', 'h264', 'hevc', '264', '265'}
    endings |= {'vob', 'asf', 'f4v', 'mxf', 'm4v', 'ivf', 'nut', 'dv', 'rm', 'mjpeg'}
    assert endings <= {suffix[1:] for suffix in VIDEO_SUFFIXES}


@pytest.mark.parametrize('name', ['ts h264', 'wmv', 'flv', 'mpg mpeg-2', 'raw h264'])
def test_listed_files_are_read(tmp_path, name):
    assert name in FILMS
    make_film(name, tmp_path)
    ((_, path),) = list_folder(str(tmp_path)).videos
    with open_video(path) as reader:
        assert len(reader) == 100
