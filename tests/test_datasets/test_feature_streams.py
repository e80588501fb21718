"""Several streams of stored features: layouts of the authors, lengths, manifests."""

import json

import numpy as np
import pytest
import torch

from mmvtg.datasets import BadSampleError, GroundingDataset
from mmvtg.datasets.transforms.joining import align, normalize, resample_rows

RNG = np.random.default_rng(0)


def _pipeline(**kwargs):
    return [dict(type='LoadStoredFeatures', **kwargs), dict(type='PackGroundingInputs')]


def _array(*shape):
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture
def detr_store(tmp_path, line):
    """Moment-DETR's folders for three videos, small widths; SlowFast one clip short."""
    lines = [line(i) for i in range(3)]
    (tmp_path / 'train.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    arrays = {}
    for folder in ('slowfast_features', 'clip_features', 'clip_text_features'):
        (tmp_path / folder).mkdir()
    for i in range(3):
        arrays[i] = dict(slow=_array(19, 6), clip=_array(20, 4), words=_array(9, 5))
        slow = tmp_path / f'slowfast_features/v{i}.npz'
        np.savez(slow, features=arrays[i]['slow'])
        np.savez(tmp_path / f'clip_features/v{i}.npz', features=arrays[i]['clip'])
        text = dict(last_hidden_state=arrays[i]['words'], pooler_output=_array(5))
        np.savez(tmp_path / f'clip_text_features/qid{i}.npz', **text)
    return tmp_path, arrays


def _detr(root, pipeline=None, **kwargs):
    settings = dict(
        ann_file='train.jsonl',
        data_root=str(root),
        fps=0.5,
        data_prefix=dict(
            slowfast='slowfast_features',
            clip='clip_features',
            query='clip_text_features',
        ),
        file_names=dict(
            slowfast='{video_id}.npz',
            clip='{video_id}.npz',
            query='qid{query_id}.npz',
        ),
        streams=dict(slowfast={}, clip={}, query={}),
        pipeline=pipeline or _pipeline(),
    )
    settings.update(kwargs)
    return GroundingDataset(**settings)


def _unit(rows):
    return np.stack([row / (np.linalg.norm(row) + 1e-5) for row in rows])


def test_moment_detr_folders_are_joined_as_its_authors_do(detr_store):
    root, arrays = detr_store
    steps = _pipeline(
        normalize=['slowfast', 'clip', 'query'], temporal_endpoints=True, max_words=7
    )
    inputs = _detr(root, steps)[1]['inputs']
    ends = [[i / 19, (i + 1) / 19] for i in range(19)]
    clips = [_unit(arrays[1]['slow']), _unit(arrays[1]['clip'])[:19], ends]
    expected = np.concatenate(clips, axis=1)[:, None, None]
    assert inputs['video'].shape == (19, 1, 1, 12)
    assert np.abs(inputs['video'].numpy() - expected).max() < 1e-6
    words = _unit(arrays[1]['words'])[:7, None]
    assert np.abs(inputs['query'].numpy() - words).max() < 1e-6


def test_the_order_of_the_streams_is_the_configs(detr_store):
    root, arrays = detr_store
    video = _detr(root, streams=dict(clip={}, slowfast={}, query={}))[0]['inputs']
    assert np.array_equal(video['video'][:, 0, 0, :4], arrays[0]['clip'][:19])


def test_umt_files_share_a_norm(tmp_path, line):
    labels = [[1.0] * 20] * 18
    item = line('v', vid='v', label=labels, relevant_windows=None, duration=18)
    (tmp_path / 'train.jsonl').write_text(json.dumps(item))
    rgb, opt, audio = _array(20, 3), _array(19, 3), _array(18, 2)
    for folder, name, array in (
        ('video', 'v_rgb', rgb),
        ('video', 'v_opt', opt),
        ('audio', 'v', audio),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        np.save(tmp_path / folder / f'{name}.npy', array)
    (tmp_path / 'query').mkdir()
    np.savez(tmp_path / 'query/v.npz', token=_array(4, 5))
    dataset = GroundingDataset(
        'train.jsonl',
        fps=0.5,
        data_root=str(tmp_path),
        data_prefix=dict(rgb='video', opt='video', audio='audio', query='query'),
        file_names=dict(
            rgb='{video_id}_rgb.npy', opt='{video_id}_opt.npy', query='{video_id}.npz'
        ),
        streams=dict(rgb={}, opt={}, audio={}, query={}),
        pipeline=_pipeline(normalize=[('rgb', 'opt')]),
    )
    video = dataset[0]['inputs']['video'][:, 0, 0].numpy()
    both = _unit(np.concatenate([rgb[:18], opt[:18]], axis=1))
    assert np.abs(video - np.concatenate([both, audio], axis=1)).max() < 1e-6


def test_hdf5_and_torch_files(detr_store):
    h5py = pytest.importorskip('h5py')
    root, arrays = detr_store
    with h5py.File(root / 'i3d.h5', 'w') as file:
        for i in range(3):
            file[f'v{i}'] = arrays[i]['clip']
            torch.save(torch.from_numpy(arrays[i]['words']), root / f'{i}.pt')
    dataset = _detr(
        root,
        data_prefix=dict(video='', query=''),
        file_names=dict(video='i3d.h5::{video_id}', query='{query_id}.pt'),
        streams=None,
    )
    inputs = dataset[2]['inputs']
    assert np.array_equal(inputs['video'][:, 0, 0], arrays[2]['clip'])
    assert np.array_equal(inputs['query'][:, 0], arrays[2]['words'])


def test_one_corrupt_file_among_many_is_left_out_and_named(detr_store):
    root, _ = detr_store
    (root / 'clip_features/v1.npz').write_bytes(b'PK')
    dataset = _detr(root)
    assert len(dataset) == 2
    (address,) = dataset.left_out['damaged feature file']
    assert address.endswith('clip_features/v1.npz')
    with pytest.raises(BadSampleError, match=r'1 x damaged feature file.*v1\.npz'):
        _detr(root, test_mode=True)


def test_a_stream_of_another_length_is_left_out(detr_store):
    root, _ = detr_store
    np.savez(root / 'slowfast_features/v0.npz', features=_array(40, 6))
    dataset = _detr(root)
    (detail,) = dataset.left_out['feature length that disagrees with the duration']
    assert '40 clips' in detail and 'make 20' in detail


def test_a_stream_with_its_own_rate_is_stretched(detr_store):
    root, _ = detr_store
    ramp = np.arange(60, dtype=np.float32)
    for i in range(3):
        rows = np.stack([ramp, ramp], axis=1)
        np.savez(root / f'slowfast_features/v{i}.npz', features=rows)
    streams = dict(slowfast=dict(resample=True), clip={}, query={})
    video = _detr(root, streams=streams, test_mode=True)[0]['inputs']['video']
    assert video.shape == (20, 1, 1, 6)
    assert np.allclose(video[:, 0, 0, 0], np.arange(20) * 3 + 1, atol=1e-5)


def test_rows_are_stretched_between_their_middles():
    rows = np.array([[0.0], [2.0], [4.0]], dtype=np.float32)
    assert np.array_equal(resample_rows(rows, 3), rows)
    assert resample_rows(rows, 6)[:, 0].tolist() == [0, 0.5, 1.5, 2.5, 3.5, 4]
    assert resample_rows(rows, 1)[:, 0].tolist() == [2]


def test_the_shortest_stream_rules_but_not_a_resampled_one():
    arrays = dict(a=_array(9, 2), b=_array(7, 2), c=_array(3, 2))
    lengths = {k: len(v) for k, v in align(arrays, 8, resampled=['c']).items()}
    assert lengths == dict(a=7, b=7, c=7)
    assert len(align(arrays, 2)['a']) == 2


def test_a_row_of_zeros_stays_zero():
    rows = normalize(dict(a=np.zeros((2, 3), np.float16)), ['a'])['a']
    assert rows.dtype == np.float32 and not rows.any()


def test_widths_that_the_config_does_not_expect_are_left_out(detr_store):
    root, _ = detr_store
    streams = dict(slowfast=dict(row_shape=[2304]), clip={}, query={})
    with pytest.raises(BadSampleError, match=r'shape \(19, 6\) where .* \(\*, 2304\)'):
        _detr(root, streams=streams)


@pytest.mark.parametrize(
    'expected, message',
    [
        (dict(manifest=dict(model='ViT-B-32')), r"model is 'tiny' .* 'ViT-B-32'"),
        (dict(manifest=dict(layers=(8, 9))), r'layers is \[2, 3\] .* \[8, 9\]'),
        (dict(row_shape=(512,)), r'row_shape is \[4\] there and \[512\]'),
    ],
)
def test_a_store_of_another_model_is_refused(detr_store, expected, message):
    root, _ = detr_store
    manifest = dict(fps=0.5, model='tiny', layers=[2, 3], row_shape=[4])
    (root / 'clip_features/manifest.json').write_text(json.dumps(manifest))
    fits = dict(manifest=dict(model='tiny', layers=(2, 3)), row_shape=(None,))
    _detr(root, streams=dict(slowfast={}, clip=fits, query={}))
    with pytest.raises(BadSampleError, match=rf'clip_features do not fit.*{message}'):
        _detr(root, streams=dict(slowfast={}, clip=expected, query={}))


def test_a_query_store_of_another_model_is_refused(detr_store):
    root, _ = detr_store
    path = root / 'clip_text_features/manifest.json'
    path.write_text('{"model": "tiny"}')
    query = dict(manifest=dict(model='big'))
    with pytest.raises(BadSampleError, match="model is 'tiny' there and 'big' in the"):
        _detr(root, streams=dict(slowfast={}, clip={}, query=query))


@pytest.mark.parametrize(
    'streams, message',
    [
        (dict(i3d={}), "stream 'i3d' has no folder"),
        (dict(clip=dict(width=3)), r"streams\['clip'\].*width"),
        (dict(clip=dict(resample=True)), r'every stream \(clip\) is to be resampled'),
    ],
)
def test_settings_that_cannot_work_are_refused(detr_store, streams, message):
    with pytest.raises(ValueError, match=message):
        _detr(detr_store[0], streams=streams)


def test_streams_of_different_layers_cannot_be_joined(detr_store):
    root, _ = detr_store
    for i in range(3):
        np.savez(root / f'clip_features/v{i}.npz', features=_array(20, 2, 3, 4))
    with pytest.raises(BadSampleError, match=r'different \(layers, patches\)'):
        _detr(root, test_mode=True)[0]


def test_normalising_an_unknown_stream_is_refused(detr_store):
    with pytest.raises(ValueError, match=r"normalize names \['slow'\]"):
        _detr(detr_store[0], _pipeline(normalize=['slow']), test_mode=True)[0]


def test_a_video_may_be_cut(detr_store):
    root, _ = detr_store
    item = _detr(root, _pipeline(cut_clips=5, temporal_endpoints=True))[0]
    assert item['inputs']['video'].shape == (5, 1, 1, 12)
    assert item['inputs']['video'][-1, 0, 0, -1] == 1
    assert item['data_samples'].num_clips == 5


def _apart(streams):
    load = dict(type='LoadStoredFeatures', apart=streams, normalize=['clip'])
    return [load, dict(type='PackGroundingInputs', motion_key='slowfast_features')]


def test_a_stream_may_stay_apart(detr_store):
    root, arrays = detr_store
    for i in range(3):
        np.savez(root / f'clip_features/v{i}.npz', features=_array(20, 2, 3, 4))
    inputs = _detr(root, _apart(['slowfast']))[1]['inputs']
    # as long as the shorter one, and joined with nothing
    assert inputs['video'].shape == (19, 2, 3, 4)
    assert inputs['motion'].tolist() == arrays[1]['slow'].tolist()


@pytest.mark.parametrize(
    'streams, message',
    [
        (['slow'], r"apart names \['slow'\]"),
        (['slowfast', 'clip'], 'none is left'),
    ],
)
def test_streams_apart_that_cannot_be_are_refused(detr_store, streams, message):
    with pytest.raises(ValueError, match=message):
        _detr(detr_store[0], _apart(streams), test_mode=True)[0]


def test_a_stream_apart_has_one_vector_a_clip(detr_store):
    root, _ = detr_store
    for i in range(3):
        np.savez(root / f'slowfast_features/v{i}.npz', features=_array(19, 1, 3, 4))
    with pytest.raises(ValueError, match=r"'slowfast' of `apart`.*\(1, 3\)"):
        _detr(root, _apart(['slowfast']), test_mode=True)[0]
