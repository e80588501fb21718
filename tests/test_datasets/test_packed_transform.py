"""Features from packs are those from files, and come without a copy."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmvtg.datasets import GroundingDataset
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.pack_writer import PackWriter
from mmvtg.registry import TRANSFORMS


@pytest.fixture
def store(make_store, line):
    root = make_store([line(0), line(1)])
    for kind in ('video', 'query'):
        files = sorted((root / kind).glob('*.npy'))
        rows = [torch.from_numpy(np.load(path)) for path in files]
        manifest = dict(row_shape=rows[0].shape[1:], dtype='float16', fps=0.5)
        with PackWriter(str(root / f'{kind}_pack'), manifest) as pack:
            for path, one in zip(files, rows):
                pack.write(path.stem, one)
    return root


def build(root, load, suffix=''):
    prefix = dict(video=f'video{suffix}', query=f'query{suffix}')
    return GroundingDataset(
        'train.jsonl', 0.5, prefix, data_root=str(root), pipeline=[load]
    )


@pytest.mark.parametrize(
    'load',
    [
        dict(type='LoadStoredFeatures'),
        dict(type='LoadPackedFeatures'),
        dict(type='LoadPackedFeatures', preload='ram'),
    ],
)
def test_a_pack_gives_what_files_give(store, load):
    files = build(store, dict(type='LoadStoredFeatures'))
    packs = build(store, load, '_pack')
    assert len(files) == len(packs) == 2
    for a, b in zip(files, packs):
        for key in ('video_features', 'query_features'):
            assert a[key].dtype == b[key].dtype and torch.equal(a[key], b[key])
        assert a['num_clips'] == b['num_clips']


def test_views_not_copies(store):
    data = build(store, dict(type='LoadPackedFeatures'), '_pack')
    first, again = data[0]['video_features'], data[0]['video_features']
    assert first.data_ptr() == again.data_ptr()


def test_problems(store):
    load = TRANSFORMS.build(dict(type='LoadPackedFeatures'))
    results = dict(build(store, load, '_pack').get_data_info(0))
    with pytest.raises(BadSampleError, match='is in no pack'):
        load(dict(results, video_feature_path=str(store / 'video' / 'v9.npy')))
    with pytest.raises(BadSampleError, match='20 clips of features .* says 40'):
        load(dict(results, duration=80.0))
    with pytest.raises(BadSampleError, match='more than 4'):
        TRANSFORMS.build(dict(type='LoadPackedFeatures', max_clips=4))(results)


def test_preloading_in_worker_processes_is_refused(store):
    data = build(store, dict(type='LoadPackedFeatures', preload='ram'), '_pack')
    with pytest.raises(RuntimeError, match='Set num_workers=0'):
        next(iter(DataLoader(data, num_workers=1)))
