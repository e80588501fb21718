"""Feature files in every published format, whole and damaged."""

import builtins
import zipfile

import numpy as np
import pytest
import torch

from mmvtg.datasets.array_files import (
    array_header,
    array_shape,
    map_array,
    read_array,
    split_address,
)

ARRAY = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)


def _write(folder, kind):
    """One file of each kind; returns the address of ``ARRAY`` in it."""
    path = folder / f'a.{kind}'
    if kind == 'npy':
        np.save(path, ARRAY)
    elif kind == 'npz':
        np.savez(path, features=ARRAY, other=np.zeros(2))
    elif kind == 'pt':
        torch.save(torch.from_numpy(ARRAY), path)
    else:
        h5py = pytest.importorskip('h5py')
        with h5py.File(path, 'w') as file:
            file['a b'] = ARRAY
            file['other'] = np.zeros(2)
        return f'{path}::a b'
    return str(path)


KINDS = ('npy', 'npz', 'pt', 'h5')


@pytest.mark.parametrize('kind', KINDS)
def test_every_format_gives_the_same_array(tmp_path, kind):
    address = _write(tmp_path, kind)
    assert np.array_equal(read_array(address), ARRAY)
    assert tuple(array_shape(address)) == (7, 5)


@pytest.mark.parametrize('kind', KINDS)
def test_a_cut_off_file_is_damaged(tmp_path, kind):
    address = _write(tmp_path, kind)
    path = tmp_path / f'a.{kind}'
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ValueError):
        read_array(address)
    with pytest.raises(ValueError):
        array_shape(address)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('content', [b'', b'rubbish' * 40])
def test_rubbish_is_damaged_and_nothing_is_missing(tmp_path, kind, content):
    address = _write(tmp_path, kind)
    (tmp_path / f'a.{kind}').write_bytes(content)
    with pytest.raises(ValueError):
        read_array(address)


@pytest.mark.parametrize('kind', KINDS)
def test_a_missing_file_is_missing(tmp_path, kind):
    with pytest.raises(FileNotFoundError):
        array_shape(str(tmp_path / f'b.{kind}'))


def test_a_flipped_byte_in_an_npz_is_damaged(tmp_path):
    address = _write(tmp_path, 'npz')
    content = bytearray((tmp_path / 'a.npz').read_bytes())
    content[200] ^= 255
    (tmp_path / 'a.npz').write_bytes(content)
    with pytest.raises(ValueError, match='CRC'):
        read_array(address)


def test_keys_are_chosen_or_asked_for(tmp_path):
    np.savez(tmp_path / 'two.npz', a=ARRAY, b=ARRAY + 1)
    with pytest.raises(ValueError, match=r"\['a', 'b'\] is meant\? Write FILE::KEY"):
        read_array(str(tmp_path / 'two.npz'))
    address = str(tmp_path / 'two.npz::b')
    assert np.array_equal(read_array(address), ARRAY + 1)
    with pytest.raises(FileNotFoundError, match="has no array 'c'"):
        read_array(str(tmp_path / 'two.npz::c'))
    text = dict(last_hidden_state=ARRAY, pooler_output=ARRAY[0])
    np.savez(tmp_path / 'qid7.npz', **text)
    assert array_shape(str(tmp_path / 'qid7.npz')) == (7, 5)


def test_a_dict_of_tensors_and_half_precision(tmp_path):
    content = dict(features=torch.ones(3, 2).bfloat16(), fps=2.0)
    torch.save(content, tmp_path / 'a.pt')
    assert read_array(str(tmp_path / 'a.pt')).tolist() == [[1, 1]] * 3


def test_a_video_may_be_a_group_of_an_hdf5_file(tmp_path):
    h5py = pytest.importorskip('h5py')
    with h5py.File(tmp_path / 'c3d.hdf5', 'w') as file:
        file['v_1/c3d_features'] = ARRAY
        file['v_2'] = ARRAY
    for key in ('v_1', 'v_1/c3d_features', 'v_2'):
        assert array_shape(str(tmp_path / f'c3d.hdf5::{key}')) == (7, 5)
    with pytest.raises(FileNotFoundError, match="has no array 'v_3'"):
        read_array(str(tmp_path / 'c3d.hdf5::v_3'))


class _Evil:
    def __reduce__(self):
        return (print, ('run',))


def test_objects_in_a_file_are_refused_and_not_run(tmp_path, capsys):
    torch.save(_Evil(), tmp_path / 'a.pt')
    np.save(tmp_path / 'a.npy', np.array([_Evil()]), allow_pickle=True)
    np.savez(tmp_path / 'a.npz', features=np.array([_Evil()]))
    for kind in ('pt', 'npy', 'npz'):
        with pytest.raises(ValueError):
            read_array(str(tmp_path / f'a.{kind}'))
    assert capsys.readouterr().out == ''


def test_hdf5_without_h5py_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / 'a.h5').write_bytes(b'x')
    real = builtins.__import__

    def fail(name, *args, **kwargs):
        if name == 'h5py':
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', fail)
    with pytest.raises(ImportError, match='pip install h5py'):
        read_array(str(tmp_path / 'a.h5::v'))


def test_unknown_types_and_plain_addresses(tmp_path):
    with pytest.raises(ValueError, match="'.mat' is none of"):
        read_array(str(tmp_path / 'a.mat'))
    assert split_address('x/a.npy') == ('x/a.npy', None)
    assert split_address('x/a.h5::b/c::d') == ('x/a.h5', 'b/c::d')
    assert split_address('odd::folder/a.npy') == ('odd::folder/a.npy', None)


def test_an_npz_may_be_compressed(tmp_path):
    np.savez_compressed(tmp_path / 'a.npz', ARRAY)
    with zipfile.ZipFile(tmp_path / 'a.npz') as archive:
        assert archive.namelist() == ['arr_0.npy']
    assert np.array_equal(read_array(str(tmp_path / 'a.npz')), ARRAY)


def _save_npy(path, array):
    np.save(path, array)
    return f'{path}.npy'


NUMBERS = ('>f2', '>f4', '>f8', '>i2', '<f4', 'u2', 'longdouble')


@pytest.mark.parametrize('dtype', NUMBERS)
@pytest.mark.parametrize('read', [read_array, map_array])
def test_every_byte_order_and_type_of_numbers_fits_torch(tmp_path, dtype, read):
    array = np.arange(35).reshape(7, 5).astype(dtype)
    address = _save_npy(tmp_path / 'a', array)
    assert torch.from_numpy(np.array(read(address))).tolist() == array.tolist()
    assert array_header(address).dtype == array.dtype
    np.savez(tmp_path / 'b.npz', features=array)
    found = read(str(tmp_path / 'b.npz'))
    assert torch.from_numpy(np.array(found)).tolist() == array.tolist()


TENSORS = dict(
    sparse=torch.from_numpy(ARRAY).to_sparse(),
    csr=torch.from_numpy(ARRAY).to_sparse_csr(),
    parameter=torch.nn.Parameter(torch.from_numpy(ARRAY)),
    gradient=torch.from_numpy(ARRAY).clone().requires_grad_(),
    transposed=torch.from_numpy(ARRAY.T.copy()).T,
)


@pytest.mark.filterwarnings('ignore:Sparse CSR')
@pytest.mark.parametrize('name', TENSORS)
def test_every_layout_of_a_tensor_is_read(tmp_path, name):
    path = str(tmp_path / 'a.pt')
    torch.save(TENSORS[name], path)
    assert np.array_equal(read_array(path), ARRAY)
    assert array_shape(path) == (7, 5)
    torch.save(dict(features=TENSORS[name]), path)
    assert np.array_equal(read_array(path), ARRAY)


def test_numpy_arrays_in_a_torch_file_are_read(tmp_path):
    path = str(tmp_path / 'a.pt')
    torch.save(dict(features=ARRAY, names=['a']), path)
    assert np.array_equal(read_array(path), ARRAY)
    assert np.array_equal(read_array(f'{path}::features'), ARRAY)
    torch.save(ARRAY, path)
    assert np.array_equal(read_array(path), ARRAY)
    torch.save(dict(a=ARRAY, b=ARRAY), path)
    with pytest.raises(ValueError, match=r"which of its arrays \['a', 'b'\]"):
        read_array(path)


def test_torch_file_without_arrays_says_what_it_holds(tmp_path):
    path = str(tmp_path / 'a.pt')
    torch.save(dict(features=[1.0, 2.0], name='x'), path)
    with pytest.raises(ValueError, match='holds a dict of list, str and no tensor'):
        read_array(path)
