"""Messages about missing files name the likely cause."""

import gzip

import pytest

from mmvtg.datasets.annotations import read_annotations
from mmvtg.datasets.converters import convert_timestamps, read_durations
from mmvtg.datasets.json_lines import read_json_lines
from mmvtg.utils.missing_files import missing_file


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ('MMVTG_DATA', 'MOVING_SHAPES'):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    'read', [lambda path: read_annotations(path, 2.0), convert_timestamps]
)
def test_compressed_file_beside_the_missing_one_is_named(tmp_path, read):
    path = tmp_path / 'a.jsonl'
    with gzip.open(f'{path}.gz', 'wb') as file:
        file.write(b'{}')
    with pytest.raises(FileNotFoundError, match=r'a\.jsonl does not.*use .*jsonl\.gz'):
        read(str(path))


def test_decompressed_file_beside_the_missing_one_is_named(tmp_path):
    (tmp_path / 'd.json').write_text('{}')
    with pytest.raises(FileNotFoundError, match=r'd\.json\.gz does not.*use .*json,'):
        read_durations(str(tmp_path / 'd.json.gz'))


def message(path) -> str:
    return str(missing_file(str(path), 'annotation file', 'check the path'))


def test_misspelt_size_is_named(tmp_path, monkeypatch):
    for size in ('tiny', 'demo'):
        (tmp_path / 'moving_shapes' / size).mkdir(parents=True)
    monkeypatch.setenv('MMVTG_DATA', str(tmp_path))
    monkeypatch.setenv('MOVING_SHAPES', 'tinny')
    text = message(tmp_path / 'moving_shapes' / 'tinny' / 'train.jsonl')
    assert "MOVING_SHAPES is 'tinny'" in text and 'only the folders demo, tiny' in text


def test_missing_data_folder_is_named(tmp_path, monkeypatch):
    folder = tmp_path / 'nothing'
    monkeypatch.setenv('MMVTG_DATA', str(folder))
    text = message(folder / 'moving_shapes' / 'demo' / 'train.jsonl')
    assert f'MMVTG_DATA is {str(folder)!r}, and there is no folder {folder}' in text


def test_misspelt_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv('MOVING_SHAPE', 'tiny')
    text = message(tmp_path / 'a')
    assert text.endswith('the environment has MOVING_SHAPE; set MOVING_SHAPES instead')


def test_variables_of_other_files_are_not_blamed(tmp_path, monkeypatch):
    (tmp_path / 'moving_shapes' / 'tiny').mkdir(parents=True)
    monkeypatch.setenv('MMVTG_DATA', str(tmp_path))
    monkeypatch.setenv('MOVING_SHAPES', 'tiny')
    for path in (tmp_path / 'moving_shapes' / 'tiny' / 'x', '/elsewhere/x'):
        assert message(path).endswith('does not exist; check the path')


def test_other_kinds_of_files_are_not_called_annotations(tmp_path):
    with pytest.raises(FileNotFoundError, match='^predictions file .*; check the path'):
        next(read_json_lines(str(tmp_path / 'p.jsonl'), 'predictions file'))
