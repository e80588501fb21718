"""The metafiles keep to the schema of mim, and to what the model zoo adds to it."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from file_server import FileServer

from mmvtg.apis.metafiles import NO_HASH

ROOT = Path(__file__).parents[1]
IMPORTS = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
MODEL_KEYS = {
    'Name',
    'Config',
    'In Collection',
    'Metadata',
    'Results',
    'Weights',
    'Training Log',
    # beside mim's
    'Alias',
    'Weights SHA256',
    'Converted From',
}
RELEASE_KEYS = {'Name', 'Code', 'License', 'Converter', 'SHA256'}


def models() -> list:
    files = [yaml.safe_load((ROOT / path).read_text()) for path in IMPORTS]
    return [model for meta in files for model in meta['Models']]


MODELS = models()


@pytest.mark.parametrize('path', IMPORTS)
def test_collections(path):
    meta = yaml.safe_load((ROOT / path).read_text())
    assert set(meta) == {'Collections', 'Models'}
    for collection in meta['Collections']:
        assert set(collection) <= {'Name', 'README', 'Paper', 'Metadata', 'Code'}
        assert {'Title'} <= set(collection['Paper']) <= {'URL', 'Title'}
        assert all(isinstance(value, str) for value in collection['Paper'].values())


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model['Name'])
def test_models(model):
    assert set(model) <= MODEL_KEYS
    # mim makes columns of these: plain values, or lists of text
    for value in model['Metadata'].values():
        plain = isinstance(value, (str, int, float))
        assert plain or all(isinstance(item, str) for item in value)
    for result in model.get('Results', ()):
        assert set(result) == {'Task', 'Dataset', 'Metrics'}
        assert all(isinstance(v, (int, float, str)) for v in result['Metrics'].values())


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model['Name'])
def test_weights_can_be_checked(model):
    weights = model.get('Weights')
    if weights is None:
        assert 'Weights SHA256' not in model
        return
    assert urlsplit(weights).scheme in ('https', 'package')
    # a plain YAML number would lose leading zeros
    assert re.fullmatch('[0-9a-f]{64}', model['Weights SHA256'])
    if weights.startswith('package:'):
        assert (ROOT / 'mmvtg' / weights.removeprefix('package:')).is_file()


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model['Name'])
def test_checkpoints_of_the_authors(model):
    releases = model.get('Converted From', [])
    names = [release['Name'].lower() for release in releases]
    assert len(set(names)) == len(names)
    for release in releases:
        (source,) = set(release) - RELEASE_KEYS
        assert source in ('Weights', 'Page')
        assert urlsplit(release[source]).scheme == 'https'
        sha = release['SHA256']
        assert sha == NO_HASH or re.fullmatch('[0-9a-f]{8,64}', sha)
        assert (ROOT / release['Converter']).is_file()
        assert urlsplit(release['Code']).netloc and release['License']
        if source == 'Weights':
            assert re.fullmatch(
                r'[\w.-]+\.(pth|ckpt|pt)', release[source].split('/')[-1]
            )


def test_mim_reads_them():
    """With mim's own reader, where it is installed."""
    modelindex = pytest.importorskip('modelindex', reason='openmim is not installed')
    index = modelindex.load_model_index.load(str(ROOT / 'model-index.yml'))
    found = {model.name: model for model in index.models}
    assert set(found) == {model['Name'] for model in MODELS}
    for model in MODELS:
        assert found[model['Name']].weights == model.get('Weights')
        assert found[model['Name']].config == model['Config']
    errors = index.check(silent=True)
    assert not [text for text in errors if 'README' not in text]


def test_mim_downloads_by_name(tmp_path):
    """``mim download`` itself, of a package whose weights lie on a server."""
    pytest.importorskip('mim', reason='openmim is not installed')
    mim = tmp_path / 'mmvtg' / '.mim'
    for part in ('configs', 'model-index.yml'):
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        mim.mkdir(parents=True, exist_ok=True)
        copy(source, mim / part)
    (tmp_path / 'mmvtg' / '__init__.py').touch()
    info = tmp_path / 'mmvtg-0.1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text(
        'Metadata-Version: 2.1\nName: mmvtg\nVersion: 0.1.0\n'
    )
    (info / 'top_level.txt').write_text('mmvtg\n')
    name = 'r2-tuning_clip-b32-k4_1xb128-30e_qvhighlights'
    server = FileServer({'/w.pth': b'weights'})
    meta = mim / 'configs' / 'r2_tuning' / 'metafile.yml'
    line = f'  - Name: {name}\n'
    weights = f'{line}    Weights: {server.url}/w.pth\n'
    meta.write_text(meta.read_text().replace(line, weights))
    code = (
        f'import sys; sys.path.insert(0, {str(tmp_path)!r});'
        'from mim.commands.download import download;'
        f'download("mmvtg", [{name!r}], {str(tmp_path / "out")!r})'
    )
    try:
        subprocess.run([sys.executable, '-c', code], check=True, cwd=tmp_path)
    finally:
        server.close()
    assert (tmp_path / 'out' / 'w.pth').read_bytes() == b'weights'
    assert (tmp_path / 'out' / f'{name}.py').is_file()


def test_the_page_has_the_table_of_the_tool():
    tool = runpy.run_path(str(ROOT / 'tools' / 'model_zoo.py'))
    assert tool['table']() in (ROOT / 'docs' / 'model_zoo.md').read_text('utf-8'), (
        'put what `python tools/model_zoo.py table` prints into docs/model_zoo.md'
    )
