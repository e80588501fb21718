"""Manifests of stores, and packs that are opened once."""

import errno
import tempfile

import numpy as np
import pytest
import torch

from mmvtg.datasets import pack_writer
from mmvtg.datasets.array_files import map_array
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.feature_pack import FeaturePack
from mmvtg.datasets.feature_store import (
    QUERY_AXES,
    check_file,
    check_manifest,
    load_array,
)
from mmvtg.datasets.pack_lookup import find_packed, open_pack, packed_array
from mmvtg.datasets.pack_writer import PackWriter
from mmvtg.datasets.store_manifest import (
    claim_folder,
    complete_manifest,
    read_manifest,
)

MANIFEST = dict(kind='video', fps=0.5, row_shape=[3], dtype='float16')


def fill(folder, name):
    with PackWriter(str(folder), MANIFEST) as pack:
        pack.write(name, torch.arange(6.0).reshape(2, 3).half())


def test_a_pack_is_opened_once_per_kind_of_preloading(tmp_path):
    fill(tmp_path, 'v')
    pack, loaded = open_pack(str(tmp_path)), open_pack(str(tmp_path), 'ram')
    assert pack.preload is None and loaded.preload == 'ram'
    assert open_pack(str(tmp_path)) is pack
    assert find_packed(str(tmp_path / 'v.npy'), 'ram').pack is loaded


def test_a_video_written_after_opening_is_found(tmp_path):
    fill(tmp_path, 'v')
    assert find_packed(str(tmp_path / 'w.npy')) is None
    fill(tmp_path, 'w')
    assert find_packed(str(tmp_path / 'w.npy')).name == 'w'


def test_half_precision_is_kept(tmp_path):
    fill(tmp_path, 'v')
    found = find_packed(str(tmp_path / 'v'))
    assert found.shape == (2, 3)
    array = packed_array(found)
    assert array.dtype == np.float16
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_manifest_is_written_beside_its_name(tmp_path, monkeypatch):
    # A link cannot lead to another file system, such as that of /tmp.
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'absent'))
    folder = tmp_path / 'store'
    claim_folder(str(folder), MANIFEST)
    assert read_manifest(str(folder)) == MANIFEST
    assert [path.name for path in folder.iterdir()] == ['manifest.json']


def test_hooks_of_a_store_are_compared_by_type(tmp_path):
    hooks = [dict(type='LayerTap', num_layers=2), dict(type='Adapter')]
    claim_folder(str(tmp_path), dict(MANIFEST, hooks=hooks))
    check_manifest(str(tmp_path), 0.5, dict(hooks=('LayerTap', 'Adapter')))
    for other in ([], ['LayerTap'], ['Adapter', 'LayerTap']):
        with pytest.raises(BadSampleError, match='hooks is'):
            check_manifest(str(tmp_path), 0.5, dict(hooks=other))


def test_rates_are_equal_but_for_rounding(tmp_path):
    claim_folder(str(tmp_path), MANIFEST)
    check_manifest(str(tmp_path), 0.5 + 1e-7)
    with pytest.raises(BadSampleError, match=r'made at 0\.5 clips per second'):
        check_manifest(str(tmp_path), 0.5 + 1e-5)


def test_a_store_of_any_rate_fits_a_dataset_without_one(tmp_path):
    claim_folder(str(tmp_path), MANIFEST)
    check_manifest(str(tmp_path), 'auto')


@pytest.mark.parametrize(
    'shape, row_shape, problem',
    [
        ((4, 3), None, None),
        ((4, 3), (3,), None),
        ((4, 2, 3), (None, 3), None),
        ((4,), None, r'features of shape (4,) instead of (L, N, C) or (L, C)'),
        ((0, 3), None, r'features of shape (0, 3) instead of (L, N, C) or (L, C)'),
        ((4, 3), (2,), 'features of shape (4, 3) where the config says (*, 2)'),
        (
            (4, 2, 3),
            (None, 5),
            'features of shape (4, 2, 3) where the config says (*, any, 5)',
        ),
    ],
)
def test_header_of_a_feature_file(tmp_path, shape, row_shape, problem):
    path = str(tmp_path / 'v.npy')
    np.save(path, np.zeros(shape, np.float16))
    assert check_file(path, QUERY_AXES, row_shape) == (problem, shape[0])


def test_files_without_a_header(tmp_path):
    path = tmp_path / 'v.npy'
    assert check_file(str(path), QUERY_AXES) == ('missing feature file', 0)
    path.write_bytes(b'nothing')
    assert check_file(str(path), QUERY_AXES) == ('damaged feature file', 0)


def test_a_part_of_a_mapped_file_is_a_copy(tmp_path):
    path = str(tmp_path / 'v.npy')
    np.save(path, np.arange(12.0).reshape(4, 3))
    part = load_array(path, 'v', QUERY_AXES, map_array, lambda rows: rows[1:3])
    assert part.tolist() == [[3, 4, 5], [6, 7, 8]]
    assert not isinstance(part, np.memmap)
    assert part.flags.c_contiguous and part.flags.owndata


@pytest.mark.parametrize(
    'sampling, expected',
    [
        (None, dict(sampling='start', last_clip='dropped', hooks=[])),
        ('dense', dict(sampling='dense', last_clip='padded', hooks=[])),
    ],
)
def test_manifests_of_earlier_versions_are_completed(sampling, expected):
    manifest = dict(kind='video', weights_sha256='1f')
    if sampling:
        manifest['sampling'] = sampling
    assert complete_manifest(manifest) == dict(manifest, **expected)
    text = dict(kind='query', weights_sha256='1f')
    assert complete_manifest(text) == text


def test_what_a_reader_does_with_rows_leaves_the_store_alone(tmp_path):
    fill(tmp_path, 'v')
    before = (tmp_path / 'main.rows').read_bytes()
    rows = FeaturePack(str(tmp_path))['v']
    rows.zero_()
    assert (tmp_path / 'main.rows').read_bytes() == before
    assert FeaturePack(str(tmp_path))['v'].any()


def test_features_without_a_manifest_are_not_claimed(tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    claim_folder(str(tmp_path), MANIFEST)
    other = tmp_path / 'other'
    other.mkdir()
    np.save(other / 'v.npy', np.zeros((2, 3)))
    with pytest.raises(ValueError, match='features without a manifest'):
        claim_folder(str(other), MANIFEST)
    assert [path.name for path in other.iterdir()] == ['v.npy']


def test_a_failed_write_goes_back_to_the_last_of_several_flushes(tmp_path, monkeypatch):
    pack = PackWriter(str(tmp_path), MANIFEST, flush_seconds=1e9)
    for name in 'abc':
        pack.write(name, torch.ones(2, 3).half())
        if name != 'c':
            pack.flush()
    whole = (tmp_path / 'main.index').read_bytes()
    write = pack_writer._write_all

    def fail(descriptor, data):
        write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(pack_writer, '_write_all', fail)
        with pytest.raises(OSError, match='No space left'):
            pack.flush()
    assert (tmp_path / 'main.index').read_bytes() == whole
    pack.close()
    assert sorted(FeaturePack(str(tmp_path)).ids()) == ['a', 'b', 'c']
