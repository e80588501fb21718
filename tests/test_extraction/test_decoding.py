"""Clips arrive whole and in order, and a decoder that dies takes one video with it."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from fake_videos import FakeSource
from torch import nn

from mmvtg.datasets.feature_pack import FeaturePack
from mmvtg.datasets.transforms.video import load_frames
from mmvtg.extraction import FeatureExtractor, FrameSource, VideoItem, decode
from mmvtg.extraction.decoding import Failed
from mmvtg.video.grids import DENSE_FRAMES, dense_ticks, frame_of_tick


def collect(items, workers):
    clips, failed = {}, {}
    for event in decode(items, FakeSource(size=2, fps=1.0), workers, clips=4):
        name = event.item.video_id
        if isinstance(event, Failed):
            failed[name] = event.reason
        else:
            clips.setdefault(name, []).extend(event.frames[:, 0, 0, 0].tolist())
            assert event.total == int(event.item.path.split()[0])
    return clips, failed


def videos(kinds=('fine',), count=12):
    return [
        VideoItem(f'v{i}', f'{1 + 7 * i % 50} {kinds[i % len(kinds)]}')
        for i in range(count)
    ]


@pytest.mark.parametrize('workers', [0, 3])
def test_all_clips_in_order(workers):
    items = videos()
    clips, failed = collect(items, workers)
    assert failed == {}
    for item in items:
        assert clips[item.video_id] == list(range(int(item.path.split()[0])))


@pytest.mark.parametrize('workers', [0, 2])
def test_bad_videos_are_named_and_end_nothing(workers):
    items = videos(('fine', 'missing', 'fine', 'broken'))
    clips, failed = collect(items, workers)
    assert sorted(failed) == sorted(f'v{i}' for i in range(1, 12, 2))
    assert {failed[f'v{i}'] for i in (3, 7, 11)} == {'breaks off'}
    assert {f'v{i}' for i in range(0, 12, 2)} <= clips.keys()


def test_a_decoder_that_dies_takes_one_video_with_it():
    kinds = ('fine', 'fine', 'crash', 'fine', 'fine', 'abort')
    items = videos(kinds)
    clips, failed = collect(items, workers=2)
    assert sorted(failed) == ['v11', 'v2', 'v5', 'v8']
    name = 'video v2 (15 crash)'
    assert f'{name} ended the process that decoded it (SIGSEGV)' in failed['v2']
    assert '(SIGABRT)' in failed['v5']  # half of it was there
    for item in items:
        if item.video_id not in failed:
            assert clips[item.video_id] == list(range(int(item.path.split()[0])))


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


def test_grid_of_ffmpeg():
    """``-vf fps``: each source frame goes to the nearest tick, half away from zero."""
    for rate, grid, total in ((25, 30, 50), (24, 30, 48), (60, 30, 90), (30, 0.5, 300)):
        shown, last = [], 0
        owner = [int(Fraction(k * grid) / rate + Fraction(1, 2)) for k in range(total)]
        for tick in range(int(total * grid / rate)):
            last = max([k for k in range(total) if owner[k] <= tick], default=last)
            shown.append(last)
        ours = [frame_of_tick(tick, grid, rate, total) for tick in range(len(shown))]
        assert ours == shown


def test_ticks_of_a_dense_clip():
    ticks = dense_ticks(30.0, 60)
    assert len(ticks) == 32 and ticks[:3] == [0, 2, 4] and ticks[-2:] == [59, 59]
    assert dense_ticks(24.0, 60)[-1] == 50  # does not reach the end


av = pytest.importorskip('av')


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """A 5 s video whose brightness counts its frames."""
    path = str(tmp_path_factory.mktemp('video') / 'v.mp4')
    with av.open(path, 'w') as container:
        stream = container.add_stream('libx264', rate=30)
        stream.width, stream.height, stream.pix_fmt = 32, 32, 'yuv420p'
        stream.options = dict(crf='1')
        for number in range(150):
            image = np.full((32, 32, 3), 20 + number, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return VideoItem('v', path)


def brightness(frames):
    return torch.as_tensor(frames).float().mean(dim=(-1, -2, -3)) - 20


def test_which_frames_make_a_clip(video):
    start = FrameSource(32, 0.5).open(video)
    assert np.array_equal(start.read(0, 2), load_frames(video.path, 0.5, 32)[0])
    middle = FrameSource(32, 0.5, 'middle').open(video)
    assert brightness(middle.read(0, 2)).tolist() == pytest.approx([29, 89], abs=2)
    source = FrameSource(32, 0.5, 'dense')
    dense = source.open(video)
    assert len(dense) == 3  # the last one is half a clip, filled up
    read = brightness(dense.read(1, 3))
    assert read.shape == (2, DENSE_FRAMES) and source.clip_shape == (32, 3, 32, 32)
    assert read[0].tolist() == pytest.approx(
        [60 + min(int(t), 59) for t in np.linspace(0, 63, 32)], abs=2
    )
    assert (read[1, 16:] > 146).all()


def test_unknown_sampling():
    with pytest.raises(ValueError, match="sampling is 'end', want one of start"):
        FrameSource(32, 0.5, 'end')


def test_centred_clips(video):
    source = FrameSource(32, 1.0, 'centred', clip_frames=16, clip_rate=8.0)
    reader = source.open(video)
    assert len(reader) == 5 and source.clip_shape == (16, 3, 32, 32)
    assert source.frames_per_clip == 16
    whole = brightness(reader.read(0, 5))
    # clip 2 is 2 to 3 s: 16 frames a 1/8 s around 2.5 s, of 30 frames a second
    times = 2.5 + (np.arange(16) - 7.5) / 8
    assert whole[2].tolist() == pytest.approx(np.floor(times * 30).tolist(), abs=2)
    # before the start and behind the end, frames are repeated
    assert (whole[0, :4].max() - whole[0, :4].min()) < 2
    assert whole[4, -1] == pytest.approx(149, abs=2)
    assert torch.equal(brightness(reader.read(1, 3)), whole[1:3])
    with pytest.raises(ValueError, match='say how many frames'):
        FrameSource(32, 1.0, 'centred', clip_frames=16)


def test_frames_are_stored_as_they_are(video, tmp_path):
    extractor = FeatureExtractor(
        dict(type='FrameTower'), frame_size=32, fps=2.0, num_workers=0
    )
    report = extractor.extract_videos([video[:2]], str(tmp_path), progress=False)
    assert report.written == 1
    stored = np.load(tmp_path / 'v.npy')
    assert stored.dtype == np.uint8
    assert np.array_equal(stored, load_frames(video.path, 2.0, 32)[0].numpy())
    manifest = json.loads((tmp_path / 'manifest.json').read_text())
    assert manifest['row_shape'] == [3, 32, 32] and manifest['dtype'] == 'uint8'
    assert manifest['model'] == 'frames' and 'clip_frames' not in manifest
