"""Features are stored whole, once, and equal what the towers say online."""

import os

import numpy as np
import pytest
import torch

from mmvtg.datasets.transforms.tokenize import tokenize
from mmvtg.datasets.transforms.video import load_frames
from mmvtg.encoding.tower_output import stack_layers
from mmvtg.extraction import FeatureExtractor, claim_folder, read_manifest
from mmvtg.models.towers import CLIPTextTower, CLIPVisionTower, StoredFeatureTower

av = pytest.importorskip('av')

QUERIES = [(1, 'a red circle rises'), ('b', 'the big blue star is getting smaller')]


@pytest.fixture(scope='module')
def towers():
    torch.manual_seed(0)
    tap = [dict(type='LayerTap', num_layers=4)]
    return (
        CLIPVisionTower('tiny-clip', hooks=tap, chunk_size=5),
        CLIPTextTower('tiny-clip', hooks=tap),
    )


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    folder, rng, items = tmp_path_factory.mktemp('videos'), np.random.default_rng(0), []
    for name, seconds in (('a', 3), ('b', 7), ('c', 2)):
        path = str(folder / f'{name}.mp4')
        with av.open(path, 'w') as container:
            stream = container.add_stream('libx264', rate=5)
            stream.width, stream.height, stream.pix_fmt = 96, 64, 'yuv420p'
            for _ in range(seconds * 5):
                image = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
                image = image.repeat(8, 0).repeat(8, 1)
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        items.append((name, path))
    return items


@pytest.fixture
def extractor(towers):
    return FeatureExtractor(*towers, frame_size=64, fps=1.0, batch_frames=4)


def pad(arrays):
    longest = max(map(len, arrays))
    mask = torch.tensor([[i < len(one) for i in range(longest)] for one in arrays])
    return torch.nn.utils.rnn.pad_sequence(arrays, batch_first=True), mask


def test_stored_path_equals_online_path_to_the_bit(extractor, towers, videos, tmp_path):
    extractor.extract_videos(videos, str(tmp_path / 'v'), progress=False)
    stored = [
        torch.from_numpy(np.load(tmp_path / 'v' / f'{name}.npy')) for name, _ in videos
    ]
    assert [tuple(one.shape) for one in stored] == [
        (seconds, 4, 65, 128) for seconds in (3, 7, 2)
    ]
    assert stored[0].dtype == torch.float16
    offline = StoredFeatureTower('video')(*pad(stored))
    frames = [load_frames(path, 1.0, 64)[0] for _, path in videos]
    online = towers[0](*pad(frames))
    assert len(online.layers) == len(offline.layers) == 4
    for a, b in zip(online.layers, offline.layers):
        assert a.dtype == b.dtype and torch.equal(a, b)
    assert torch.equal(online.mask, offline.mask)

    extractor.extract_queries(QUERIES, str(tmp_path / 'q'), progress=False)
    stored = [
        torch.from_numpy(np.load(tmp_path / 'q' / f'{name}.npy')) for name, _ in QUERIES
    ]
    assert tuple(stored[0].shape) == (6, 4, 96)
    offline = StoredFeatureTower('text')(*pad(stored))
    online = towers[1](*pad([torch.tensor(tokenize(text)) for _, text in QUERIES]))
    for a, b in zip(online.layers, offline.layers):
        assert a.dtype == b.dtype and torch.equal(a, b)
    assert len(online.layers) == len(offline.layers) == 4


class SizedTower(CLIPVisionTower):
    """Tower whose features depend on the number of frames computed at once.

    In other towers the last bits do so, on some processors.
    """

    def encode(self, images, *args):
        pooled, context = super().encode(images, *args)
        return pooled + len(images), context


@pytest.mark.parametrize('batch_frames', [1, 5, 100])
def test_features_do_not_depend_on_order_or_grouping(videos, tmp_path, batch_frames):
    # 3, 7 and 2 clips: 12 are no multiple of 5
    tower = SizedTower('tiny-clip', chunk_size=5)
    extractor = FeatureExtractor(
        tower, frame_size=64, fps=1.0, batch_frames=batch_frames
    )
    groups = dict(all=videos, back=videos[::-1], pair=videos[1:])
    groups.update({name: [(name, path)] for name, path in videos})
    for folder, group in groups.items():
        extractor.extract_videos(group, str(tmp_path / folder), progress=False)
        for name, _ in group:
            alone = tmp_path / 'all' / f'{name}.npy'
            found = tmp_path / folder / f'{name}.npy'
            assert found.read_bytes() == alone.read_bytes(), (folder, name)


def test_without_taps_one_vector_a_clip_is_stored(towers, videos, tmp_path):
    tower = CLIPVisionTower('tiny-clip')
    extractor = FeatureExtractor(tower, frame_size=64, fps=1.0)
    extractor.extract_videos(videos[:1], str(tmp_path), progress=False)
    array = np.load(tmp_path / 'a.npy')
    expected = tower.encode(load_frames(videos[0][1], 1.0, 64)[0])[0]
    assert array.shape == (3, 96)
    # another batch size: the last bit of a half may differ
    assert torch.allclose(torch.from_numpy(array).float(), expected, atol=2e-3)


def test_complete_files_are_kept_and_broken_ones_made_again(
    extractor, videos, tmp_path
):
    out = str(tmp_path)
    first = extractor.extract_videos(videos, out, progress=False)
    assert (first.written, first.present, first.failed) == (3, 0, {})
    wanted = (tmp_path / 'b.npy').read_bytes()
    (tmp_path / 'b.npy').write_bytes(wanted[: len(wanted) // 2])
    kept = os.stat(tmp_path / 'a.npy').st_mtime_ns
    again = extractor.extract_videos(videos, out, progress=False)
    assert (again.written, again.present) == (1, 2)
    assert (tmp_path / 'b.npy').read_bytes() == wanted
    assert os.stat(tmp_path / 'a.npy').st_mtime_ns == kept
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ['a.npy', 'b.npy', 'c.npy', 'manifest.json']


def test_bad_samples_are_reported_and_end_nothing(extractor, videos, tmp_path):
    empty = tmp_path / 'empty.mp4'
    empty.touch()
    items = [('none', str(tmp_path / 'none.mp4')), ('empty', str(empty)), *videos]
    report = extractor.extract_videos(items, str(tmp_path / 'v'), progress=False)
    assert report.written == 3 and set(report.failed) == {'none', 'empty'}
    assert '0 bytes' in report.failed['empty']
    queries = [*QUERIES, ('void', '  ')]
    report = extractor.extract_queries(queries, str(tmp_path / 'q'), progress=False)
    assert report.written == 2 and 'query void is empty' in report.failed['void']


def test_manifest_says_how_they_were_made(extractor, towers, videos, tmp_path):
    extractor.extract_videos(videos, str(tmp_path), progress=False)
    manifest = read_manifest(str(tmp_path))
    assert manifest['fps'] == 1.0 and manifest['frame_size'] == 64
    assert manifest['layers'] == [2, 3, 4, 5]
    assert manifest['row_shape'] == [4, 65, 128] and manifest['dtype'] == 'float16'
    assert manifest['weights_sha256'] == towers[0].weights_sha256()
    assert manifest['versions']['torch'] == torch.__version__


def test_a_folder_of_other_features_is_refused(towers, videos, tmp_path):
    out = str(tmp_path)
    FeatureExtractor(towers[0], frame_size=64, fps=1.0).extract_videos(
        videos[:1], out, progress=False
    )
    other = FeatureExtractor(towers[0], frame_size=64, fps=0.5)
    with pytest.raises(ValueError, match='fps: there 1.0, now 0.5'):
        other.extract_videos(videos, out, progress=False)
    assert not (tmp_path / 'b.npy').exists()


def test_published_folders_and_damaged_manifests_are_refused(tmp_path):
    np.save(tmp_path / 'a.npy', np.zeros(3))
    with pytest.raises(ValueError, match='without a manifest.json'):
        claim_folder(str(tmp_path), dict(fps=1.0))
    (tmp_path / 'manifest.json').write_text('{"fps"')
    with pytest.raises(ValueError, match='damaged'):
        claim_folder(str(tmp_path), dict(fps=1.0))


def test_versions_may_differ(tmp_path):
    claim_folder(str(tmp_path), dict(fps=1.0, size=(1, 2), versions=dict(torch='1')))
    claim_folder(str(tmp_path), dict(fps=1.0, size=(1, 2), versions=dict(torch='2')))
    assert read_manifest(str(tmp_path))['versions'] == dict(torch='1')


def test_a_rate_for_each_video(towers, videos, tmp_path):
    extractor = FeatureExtractor(towers[0], frame_size=64)
    items = [(*videos[0], 1.0), (*videos[1], 2.0)]
    extractor.extract_videos(items, str(tmp_path), progress=False)
    assert len(np.load(tmp_path / 'a.npy')) == 3
    assert len(np.load(tmp_path / 'b.npy')) == 14
    assert read_manifest(str(tmp_path))['fps'] == 'auto'
    with pytest.raises(ValueError, match='no fps'):
        extractor.extract_videos(videos, str(tmp_path), progress=False)


def test_features_that_overflow_are_not_stored(videos, tmp_path):
    tower = CLIPVisionTower('tiny-clip', hooks=[dict(type='LayerTap')])
    tower.clip.transformer.resblocks[-1].mlp.c_proj.bias[:] = 1e6
    extractor = FeatureExtractor(tower, frame_size=64, fps=1.0)
    report = extractor.extract_videos(videos[:1], str(tmp_path), progress=False)
    assert 'not finite in float16' in report.failed['a']
    assert not (tmp_path / 'a.npy').exists()


def test_a_tower_without_layers_and_vectors_is_refused():
    with pytest.raises(ValueError, match='tapped layers.*add a LayerTap'):
        stack_layers([], None)
