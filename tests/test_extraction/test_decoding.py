"""Extraction from videos that end the process which decodes them."""

import json

import numpy as np
import pytest
import torch
from fake_videos import FakeSource
from torch import nn
from video_files import EVEN, H264, write_video

from mmvtg.datasets.feature_pack import FeaturePack
from mmvtg.datasets.transforms.video import load_frames
from mmvtg.extraction import FeatureExtractor
from mmvtg.video.clips import FrameSource


class FakeTower(nn.Module):
    """Gives back the brightness of each clip."""

    couples_frames, tapped_layers, source, chunk_size = False, [], {}, 64
    mean = std = torch.zeros(3)

    def weights_sha256(self):
        return 'none'

    def encode_runs(self, frames, runs):
        return frames.float().mean(dim=(1, 2, 3))[:, None], [], {}


def test_two_corrupt_files_in_ten_thousand(tmp_path):
    """One that cannot be read and one that kills the decoder cost two videos."""
    items = [(f'v{i}', '1 fine') for i in range(10_000)]
    items[1234], items[8765] = ('v1234', '1 missing'), ('v8765', '1 crash')
    extractor = FeatureExtractor(FakeTower(), frame_size=2, fps=1.0)
    extractor.source = FakeSource(size=2, fps=1.0)
    report = extractor.extract_videos(items, str(tmp_path), False, layout='pack')
    assert report.written == 9998 and sorted(report.failed) == ['v1234', 'v8765']
    pack = FeaturePack(str(tmp_path))
    assert len(pack) == 9998 and list(pack.damaged()) == []
    # the next run tries these two again, and nothing else
    extractor.source = FrameSource(size=2, fps=1.0)
    extractor.num_workers = 0
    report = extractor.extract_videos(items, str(tmp_path), False, layout='pack')
    assert (report.present, report.written) == (9998, 0)
    assert 'does not exist' in report.failed['v8765']


@pytest.mark.parametrize('workers', [0, 2])
def test_of_a_video_that_breaks_off_nothing_is_stored(tmp_path, workers):
    items = [('a', '200 fine'), ('b', '200 broken'), ('c', '3 fine')]
    extractor = FeatureExtractor(
        FakeTower(), frame_size=2, fps=1.0, num_workers=workers, batch_frames=7
    )
    extractor.source = FakeSource(size=2, fps=1.0)
    report = extractor.extract_videos(items, str(tmp_path), progress=False)
    assert report.written == 2 and report.failed == {'b': 'breaks off'}
    stored = {path.stem: np.load(path) for path in tmp_path.glob('*.npy')}
    assert {name: len(rows) for name, rows in stored.items()} == dict(a=200, c=3)
    # the clips of the broken video have left no trace in those of the others
    assert np.array_equal(stored['a'][:, 0], np.arange(200))
    assert np.array_equal(stored['c'][:, 0], np.arange(3))


def test_frames_are_stored_as_they_are(tmp_path):
    path = write_video(str(tmp_path / 'v.mp4'), EVEN, options=H264)
    extractor = FeatureExtractor(
        dict(type='FrameTower'), frame_size=32, fps=2.0, num_workers=0
    )
    report = extractor.extract_videos([('v', path)], str(tmp_path), progress=False)
    assert report.written == 1
    stored = np.load(tmp_path / 'v.npy')
    assert stored.dtype == np.uint8
    assert np.array_equal(stored, load_frames(path, 2.0, 32)[0].numpy())
    manifest = json.loads((tmp_path / 'manifest.json').read_text())
    assert manifest['row_shape'] == [3, 32, 32] and manifest['dtype'] == 'uint8'
    assert manifest['model'] == 'frames' and 'clip_frames' not in manifest
