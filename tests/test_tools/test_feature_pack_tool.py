"""Published folders become packs, and packs published folders."""

import importlib.util
import json
import pathlib
import sys

import numpy as np
import pytest

import mmvtg
from mmvtg.datasets.feature_pack import FeaturePack

TOOL = pathlib.Path(mmvtg.__file__).parents[1] / 'tools/dataset_converters'


@pytest.fixture
def tool(monkeypatch):
    spec = importlib.util.spec_from_file_location('pack_tool', TOOL / 'feature_pack.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['feature_pack', *map(str, arguments)])
        return module.main()

    return run


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'npz').mkdir()
    rng = np.random.default_rng(0)
    for name, rows in (('a', 3), ('b', 7)):
        array = rng.normal(size=(rows, 8)).astype(np.float16)
        np.savez(tmp_path / 'npz' / f'{name}.npz', features=array, other=np.zeros(2))
    return tmp_path / 'npz'


def test_there_and_back(tool, folder, tmp_path):
    pack, back = tmp_path / 'pack', tmp_path / 'back'
    assert tool('import', folder, pack, '--fps', 0.5, '--model', 'x') == 0
    assert tool('check', pack) == 0
    manifest = FeaturePack(str(pack)).manifest
    assert (manifest['fps'], manifest['model'], manifest['dtype']) == (
        0.5,
        'x',
        'float16',
    )
    assert tool('export', pack, back, '--layout', 'npz') == 0
    assert tool('export', pack, tmp_path / 'npy', '--layout', 'npy') == 0
    for name in 'ab':
        original = np.load(folder / f'{name}.npz')['features']
        assert (np.load(back / f'{name}.npz')['features'] == original).all()
        assert (np.load(tmp_path / 'npy' / f'{name}.npy') == original).all()
    # what was exported is as good as what was extracted
    assert tool('import', tmp_path / 'npy', tmp_path / 'again') == 0
    assert FeaturePack(str(tmp_path / 'again')).manifest == manifest


def test_a_damaged_file_is_named_and_ends_nothing(tool, folder, tmp_path, capsys):
    whole = (folder / 'a.npz').read_bytes()
    (folder / 'a.npz').write_bytes(whole[: len(whole) // 2])
    assert tool('import', folder, tmp_path / 'pack', '--fps', 0.5) == 1
    assert 'bad: a: ' in capsys.readouterr().err
    assert FeaturePack(str(tmp_path / 'pack')).ids() == ['b']
    (folder / 'a.npz').write_bytes(whole)
    assert tool('import', folder, tmp_path / 'pack', '--fps', 0.5) == 0
    assert sorted(FeaturePack(str(tmp_path / 'pack')).ids()) == ['a', 'b']
    with pytest.raises(SystemExit, match='fps: there 0.5, now 1.0'):
        tool('import', folder, tmp_path / 'pack', '--fps', 1.0)


def test_damage_on_the_disk_and_merging(tool, folder, tmp_path, capsys):
    pack = tmp_path / 'pack'
    assert tool('import', folder, pack) == 0
    assert tool('merge', pack, tmp_path / 'one') == 0
    assert sorted(FeaturePack(str(tmp_path / 'one')).ids()) == ['a', 'b']
    data = bytearray((pack / 'main.rows').read_bytes())
    data[-1] ^= 1
    (pack / 'main.rows').write_bytes(data)
    assert tool('check', pack) == 1
    assert 'bad: b: ' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['../out', '{root}/outside', 'a/../../out', '..'])
def test_an_id_that_leads_out_of_the_folder_writes_nothing(
    name, tool, folder, tmp_path
):
    pack, back = tmp_path / 'pack', tmp_path / 'deep' / 'back'
    assert tool('import', folder, pack) == 0
    (index,) = pack.glob('*.index')
    name = name.format(root=tmp_path)
    index.write_text(index.read_text().replace('"a"', json.dumps(name)))
    before = set(tmp_path.rglob('*'))
    with pytest.raises(SystemExit, match='leads out of'):
        tool('export', pack, back)
    new = set(tmp_path.rglob('*')) - before
    assert all(back in path.parents or path in (back, back.parent) for path in new)
