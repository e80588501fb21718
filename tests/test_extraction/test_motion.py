"""Features of a tower that reads motion beside the frames."""

import json

import numpy as np
import pytest
import torch

from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.video import load_frames
from mmvtg.extraction import FeatureExtractor
from mmvtg.extraction.motion import MotionStore
from mmvtg.models.towers import CLIPVisionTower

av = pytest.importorskip('av')

SIZE = dict(width=128, num_layers=6)
ACTION = dict(type='ActionPrompt', motion_dim=6, text_width=96, **SIZE)
TEMPORAL = dict(type='TemporalPrompt', **SIZE)
SECONDS = dict(a=3, b=14, c=2)


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp('videos'), np.random.default_rng(0)
    for name, seconds in SECONDS.items():
        with av.open(str(folder / f'{name}.mp4'), 'w') as container:
            stream = container.add_stream('libx264', rate=5)
            stream.width, stream.height, stream.pix_fmt = 64, 64, 'yuv420p'
            for _ in range(seconds * 5):
                image = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                image = image.repeat(8, 0).repeat(8, 1)
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return [(name, str(folder / f'{name}.mp4')) for name in SECONDS]


@pytest.fixture
def motion(tmp_path):
    folder, rng = tmp_path / 'motion', np.random.default_rng(1)
    folder.mkdir()
    for name, seconds in SECONDS.items():
        rows = rng.normal(size=(seconds, 6)).astype(np.float16)
        np.save(folder / f'{name}.npy', rows)
    note = dict(model='slowfast', weights_sha256='abc', fps=1.0, layers=[])
    (folder / 'manifest.json').write_text(json.dumps(note))
    return folder


def make_extractor(motion, *hooks, seed=0, **settings):
    torch.manual_seed(seed)
    tower = CLIPVisionTower('tiny-clip', 'shipped', hooks=hooks, chunk_size=2)
    return FeatureExtractor(
        tower,
        frame_size=64,
        fps=1.0,
        batch_frames=4,
        num_workers=0,
        motion=dict(folder=str(motion), **settings),
    )


@pytest.mark.parametrize('hooks', [[ACTION], [ACTION, TEMPORAL]])
def test_each_clip_gets_its_own_motion(videos, motion, tmp_path, hooks):
    extractor = make_extractor(motion, *hooks)
    report = extractor.extract_videos(videos, str(tmp_path / 'out'), progress=False)
    assert report.written == 3 and not report.failed
    for name, path in videos:
        frames = load_frames(path, 1.0, 64)[0]
        rows = torch.from_numpy(np.load(motion / f'{name}.npy')).float()
        with torch.no_grad():
            expected = extractor.vision_tower.encode(frames, inputs=dict(motion=rows))
        stored = torch.from_numpy(np.load(tmp_path / 'out' / f'{name}.npy'))
        assert stored.dtype == torch.float16
        assert torch.allclose(stored.float(), expected[0], atol=5e-3)


def test_the_manifest_names_hooks_and_motion(videos, motion, tmp_path):
    extractor = make_extractor(motion, ACTION, TEMPORAL)
    extractor.extract_videos(videos[:1], str(tmp_path / 'out'), progress=False)
    note = json.loads((tmp_path / 'out' / 'manifest.json').read_text())
    assert note['hooks'] == [
        dict(type='ActionPrompt', motion_dim=6),
        dict(type='TemporalPrompt', neighbours=1),
    ]
    assert (
        note['hooks_sha256'] == extractor.vision_tower.describe_hooks()['hooks_sha256']
    )
    assert note['motion'] == dict(model='slowfast', weights_sha256='abc', fps=1.0)
    other = make_extractor(motion, ACTION, TEMPORAL, seed=1)
    with pytest.raises(ValueError, match='hooks_sha256'):
        other.extract_videos(videos[:1], str(tmp_path / 'out'), progress=False)


def test_unfit_motion_is_reported_and_the_rest_is_stored(videos, motion, tmp_path):
    (motion / 'a.npy').unlink()
    np.save(motion / 'b.npy', np.zeros((5, 6), np.float16))
    extractor = make_extractor(motion, ACTION, TEMPORAL)
    report = extractor.extract_videos(videos, str(tmp_path / 'out'), progress=False)
    assert report.written == 1 and (tmp_path / 'out' / 'c.npy').is_file()
    assert 'is missing' in report.failed['a']
    assert '5 rows of motion, the video 14 clips' in report.failed['b']


def test_motion_of_another_rate_is_stretched(videos, motion, tmp_path):
    np.save(motion / 'b.npy', np.arange(30.0).reshape(5, 6).astype(np.float16))
    extractor = make_extractor(motion, ACTION, resample=True)
    report = extractor.extract_videos(videos, str(tmp_path / 'out'), progress=False)
    assert report.written == 3
    rows = MotionStore(str(motion), resample=True).read('b', 14)
    assert rows.shape == (14, 6) and (rows.diff(dim=0) >= 0).all()
    assert rows[0, 0] == 0 and rows[-1, 0] == 24
    assert MotionStore(str(motion)).read('c', 3).shape == (3, 6)  # a clip more is usual
    with pytest.raises(BadSampleError, match='no usable motion'):
        MotionStore(str(motion)).width_of(['x'])
