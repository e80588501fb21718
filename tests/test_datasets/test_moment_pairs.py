"""Moments and negatives of pretext tasks: draws, frames, motion, bad input."""

import json

import numpy as np
import pytest
import torch

from mmvtg.datasets import BadSampleError, DisjointSampler, MomentPairDataset
from mmvtg.datasets.moment_draws import (
    clip_range,
    draw_negative,
    draw_positive,
    free_gaps,
)
from mmvtg.datasets.transforms import LoadMomentPair

FPS = 0.5
PIPELINE = [
    dict(type='LoadMomentPair', max_clips=4),
    dict(type='TokenizeQuery'),
    dict(type='PackMomentPair'),
]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_clips_of_a_window():
    assert clip_range(np.array([4.0, 10.0]), 0.5, 20) == range(2, 5)
    assert clip_range(np.array([4.5, 9.0]), 0.5, 20) == range(2, 5)
    assert clip_range(np.array([0.3, 0.6]), 10, 20) == range(3, 6)
    assert clip_range(np.array([5.0, 5.0]), 0.5, 20) == range(2, 3)
    assert clip_range(np.array([39.0, 99.0]), 0.5, 20) == range(19, 20)


def test_positive_is_a_stretch_of_a_moment():
    moments = [range(2, 5), range(10, 40)]
    seen = [draw_positive(rng(seed), moments, 8) for seed in range(400)]
    assert all(s == moments[0] or (len(s) == 8 and s.start >= 10) for s in seen)
    assert {s.start for s in seen} == {2, *range(10, 33)}
    whole = {draw_positive(rng(seed), moments, None) for seed in range(20)}
    assert whole == set(moments)


def test_negative_touches_no_moment():
    moments = [range(3, 6), range(5, 9), range(15, 16)]
    assert free_gaps(moments, 20) == [(0, 3), (9, 15), (16, 20)]
    starts = set()
    for seed in range(300):
        negative = draw_negative(rng(seed), moments, 4, 20)
        assert len(negative) == 4
        assert not any(set(negative) & set(moment) for moment in moments)
        starts.add(negative.start)
    assert starts == {9, 10, 11, 16}


def test_negative_where_none_fits():
    # the longest gap, the first of several
    assert draw_negative(rng(), [range(3, 6), range(9, 12)], 5, 15) == range(0, 3)
    assert draw_negative(rng(), [range(2, 9)], 7, 12) == range(9, 12)
    assert len(draw_negative(rng(), [range(0, 12)], 12, 12)) == 0


@pytest.fixture
def world(tmp_path):
    """Three videos whose frames and motion tell their clip."""
    lines = [
        dict(qid=0, vid='a', duration=40, relevant_windows=[[4, 10], [20, 40]]),
        dict(qid=1, vid='a', duration=40, relevant_windows=[[0, 40]]),
        dict(qid=2, vid='b', duration=24, relevant_windows=[[7, 7.5]]),
        dict(qid=3, vid='b', duration=24, relevant_windows=[]),
    ]
    text = [json.dumps(dict(line, query='a dog runs')) for line in lines]
    (tmp_path / 'train.jsonl').write_text('\n'.join(text))
    for folder in ('frames', 'motion'):
        (tmp_path / folder).mkdir()
    for name, clips in (('a', 20), ('b', 12)):
        number = np.arange(clips)
        frames = np.broadcast_to(number[:, None, None, None], (clips, 3, 8, 8))
        np.save(tmp_path / 'frames' / f'{name}.npy', frames.astype(np.uint8))
        motion = np.stack([number, -number], 1).astype(np.float16)
        np.save(tmp_path / 'motion' / f'{name}.npy', motion)
    return tmp_path


def dataset(root, **changes):
    config = dict(
        ann_file='train.jsonl',
        data_root=str(root),
        data_prefix=dict(frames='frames', motion='motion'),
        streams=dict(frames={}, motion={}),
        fps=FPS,
        pipeline=PIPELINE,
    )
    return MomentPairDataset(**{**config, **changes})


def test_frames_and_motion_are_of_the_same_clips(world):
    data = dataset(world)
    assert len(data) == 3 and data.left_out['query without a moment']
    for epoch in range(6):
        for index in range(3):
            item = data[index, epoch]
            inputs, sample = item['inputs'], item['data_samples']
            for name in ('positive', 'intra'):
                start, stop = sample.metainfo[f'{name}_clips']
                number = torch.arange(start, stop)
                assert inputs[name].dtype == torch.uint8
                assert inputs[name].shape == (stop - start, 3, 8, 8)
                assert inputs[name][:, 0, 0, 0].tolist() == number.tolist()
                assert inputs[f'{name}_motion'].dtype == torch.float32
                assert inputs[f'{name}_motion'][:, 0].tolist() == number.tolist()
    assert sample.metainfo['video_id'] == 'b'
    # one clip and less: a run of one frame
    assert len(data[2]['inputs']['positive']) == 2
    # the moments leave nothing: an empty negative with the shape of a frame
    assert data[1]['inputs']['intra'].shape == (0, 3, 8, 8)
    assert data[1]['inputs']['intra_motion'].shape == (0, 2)


def test_a_clip_of_one_frame(world):
    lines = [dict(qid=0, vid='b', duration=24, query='x', relevant_windows=[[6, 8]])]
    (world / 'train.jsonl').write_text(json.dumps(lines[0]))
    inputs = dataset(world)[0]['inputs']
    assert inputs['positive'].shape == inputs['intra'].shape == (1, 3, 8, 8)


def test_draws_depend_on_seed_epoch_and_query_alone(world):
    def clips(index, epoch, seed=0):
        steps = [dict(PIPELINE[0], seed=seed), *PIPELINE[1:]]
        meta = dataset(world, pipeline=steps)[index, epoch]['data_samples'].metainfo
        return meta['positive_clips'], meta['intra_clips']

    first = [clips(0, epoch) for epoch in range(8)]
    assert first == [clips(0, epoch) for epoch in range(8)]
    assert len(set(first)) > 2
    assert first != [clips(0, epoch, seed=1) for epoch in range(8)]
    assert clips(0, 0) == first[0]  # a plain index is the first epoch


def test_decoded_frames_are_read_as_stored_ones_are(world, monkeypatch):
    class Source:
        """In the place of FrameSource: grey frames that tell their clip."""

        def __init__(self, *args, **kwargs):
            opened.append((args, kwargs))

        def open(self, item):
            opened.append(item)
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_):
            opened.append('closed')

        def __len__(self):
            return 20

        def read(self, start, stop):
            number = np.arange(start, stop, dtype=np.uint8)[:, None, None, None]
            return np.broadcast_to(number, (len(number), 3, 8, 8)).copy()

    opened = []
    monkeypatch.setattr('mmvtg.datasets.transforms.moment_pair.FrameSource', Source)
    raw = dict(raw='videos', motion='motion')
    data = dataset(world, data_prefix=raw, streams=dict(motion=dict(resample=True)))
    for index in (0, 1):
        a, b = data[index, 3]['inputs'], dataset(world)[index, 3]['inputs']
        assert all(torch.equal(a[key], b[key]) for key in b)
    settings, item, closed = opened[:3]
    assert settings == ((224, FPS, 'start'), dict(backend='auto'))
    assert item.video_id == 'a' and item.path.endswith('videos/a.mp4')
    assert closed == 'closed' and len(opened) == 6


def test_motion_of_another_length(world):
    motion = np.stack([np.arange(18) * 20 / 18, np.zeros(18)], 1)
    np.save(world / 'motion' / 'a.npy', motion.astype(np.float32))
    inputs = dataset(world)[0]['inputs']
    start = dataset(world)[0]['data_samples'].metainfo['positive_clips'][0]
    assert inputs['positive_motion'][0, 0] == pytest.approx(start, abs=1)
    # far off: said with both numbers, and while the file is looked at, too
    np.save(world / 'motion' / 'a.npy', np.zeros((41, 2), np.float32))
    data = dataset(world)
    assert 'feature length that disagrees' in next(
        reason for reason in data.left_out if 'length' in reason
    )
    sample = dict(
        video_id='a',
        query_id=0,
        moments=np.array([[4.0, 10.0]]),
        fps=FPS,
        frames_feature_path=str(world / 'frames' / 'a.npy'),
        motion_feature_path=str(world / 'motion' / 'a.npy'),
    )
    with pytest.raises(BadSampleError, match='41 rows of motion.* but 20 clips'):
        LoadMomentPair().transform(dict(sample))
    stretched = LoadMomentPair().transform(dict(sample, resampled=['motion']))
    assert stretched['positive_motion'].shape == (3, 2)


def test_what_is_no_store_of_frames_is_refused(world):
    np.save(world / 'frames' / 'a.npy', np.zeros((20, 3, 8, 8), np.float32))
    with pytest.raises(BadSampleError, match='float32 .* and no frames'):
        dataset(world, test_mode=True, allow_missing=True)[0]
    sample = dict(query_id=7, moments=np.zeros((0, 2)))
    with pytest.raises(BadSampleError, match='query 7 has no moment'):
        LoadMomentPair().transform(sample)


def test_bad_arguments():
    with pytest.raises(ValueError, match='max_clips must be'):
        LoadMomentPair(max_clips=0)
    with pytest.raises(ValueError, match='sampling'):
        LoadMomentPair(sampling='dense')


def test_parts_are_disjoint_and_cover_the_data():
    sampler = DisjointSampler(range(163), ratio=0.1, seed=3)
    parts = []
    for epoch in range(12):
        sampler.set_epoch(epoch)
        items = list(sampler)
        assert len(items) == len(sampler) in (16, 17)
        assert {draw for _, draw in items} == {epoch}
        parts.append([index for index, _ in items])
    assert sorted(sum(parts[:10], [])) == list(range(163))
    assert parts[10:] == parts[:2]
    # a resumed run: another sampler of the same seed
    again = DisjointSampler(range(163), ratio=0.1, seed=3)
    again.set_epoch(5)
    assert [index for index, _ in again] == parts[5]


@pytest.mark.parametrize('world_size', [2, 3])
def test_processes_share_a_part(world_size, monkeypatch):
    shares = []
    for rank in range(world_size):
        monkeypatch.setattr(
            'mmvtg.datasets.samplers.get_dist_info',
            lambda rank=rank: (rank, world_size),
        )
        sampler = DisjointSampler(range(50), ratio=0.2, seed=0)
        sampler.set_epoch(2)
        shares.append([index for index, _ in sampler])
    assert len({len(share) for share in shares}) == 1
    assert set(sum(shares, [])) == set(sampler.part())
    assert sum(map(len, shares)) - 10 < world_size


def test_sampler_refuses_odd_ratios():
    with pytest.raises(ValueError, match='ratio'):
        DisjointSampler(range(9), ratio=0)
    with pytest.raises(ValueError, match='9 samples cannot be cut into 10 parts'):
        DisjointSampler(range(9))
