"""Weights by name: from the package, a file, a server, a mirror, a converter."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from file_server import FileServer
from mmengine.config import Config
from safetensors.torch import load_file

from mmvtg.apis import VTGInferencer, metafiles, model_zoo
from mmvtg.utils.download import DownloadError, HashError, file_hash

ROOT = Path(__file__).parents[2]
TINY_CLIP = 'tiny-clip-stage3_1xb128-1k_moving-shapes-frames'
QVHIGHLIGHTS = 'r2-tuning_clip-b32-k4_1xb128-30e_qvhighlights'
TVSUM = 'r2-tuning_clip-b32-k4_1xb4-500e_tvsum'


def file_of(state: dict) -> bytes:
    buffer = io.BytesIO()
    torch.save(dict(state_dict=state), buffer)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv('MMVTG_CACHE', str(tmp_path / 'cache'))
    monkeypatch.delenv('MMVTG_MIRRORS', raising=False)
    return tmp_path / 'cache'


@pytest.fixture
def server():
    server = FileServer({'/bright.pth': file_of({'weight': torch.ones(1)})})
    yield server
    server.close()


@pytest.fixture
def zoo(tmp_path, monkeypatch, colour_config):
    """A function that makes a zoo of one model, ``bright``, with these fields."""

    def make(**fields) -> None:
        home = tmp_path / 'zoo'
        (home / 'configs').mkdir(parents=True, exist_ok=True)
        Config(colour_config).dump(str(home / 'configs' / 'bright.py'))
        model = {'Name': 'bright', 'Config': 'configs/bright.py', **fields}
        meta = {'Models': [{'In Collection': 'Colours', **model}]}
        (home / 'metafile.yml').write_text(yaml.safe_dump(meta))
        (home / 'model-index.yml').write_text('Import:\n  - metafile.yml\n')
        monkeypatch.setattr(metafiles, 'root', lambda: str(home))
        monkeypatch.setattr(model_zoo, 'root', lambda: str(ROOT))
        metafiles._entries.cache_clear()

    yield make
    metafiles._entries.cache_clear()


def test_models_are_listed_by_pattern():
    names = model_zoo.list_models('R2-Tuning*tvsum')
    assert names == [TVSUM]
    assert len(model_zoo.list_models()) > 50


def test_an_entry_says_what_the_metafile_says():
    entry = model_zoo.get_model(TVSUM)
    assert Path(entry.config).is_file() and entry.collection == 'R2-Tuning'
    assert entry.metadata['Training Data'] == 'TVSum' and entry.weights is None
    assert len(entry.releases) == 10
    release = entry.releases[0]
    assert release.license == 'BSD-3-Clause' and len(release.sha256) == 8
    assert (ROOT / release.converter).is_file()


def test_shipped_weights_are_taken_where_they_are(cache, tmp_path):
    path = model_zoo.download(TINY_CLIP)
    assert Path(path).parent == ROOT / 'mmvtg/models/towers/clip_zoo'
    assert not cache.exists()
    copy = model_zoo.download(TINY_CLIP, str(tmp_path / 'mine'))
    assert Path(copy) == tmp_path / 'mine/tiny-clip.safetensors'
    assert load_file(copy).keys() == load_file(path).keys()


def test_files_are_taken_where_they_are(zoo, tmp_path):
    path = tmp_path / 'bright file.pth'
    path.write_bytes(file_of({'weight': torch.ones(1)}))
    zoo(**{'Weights': path.as_uri(), 'Weights SHA256': file_hash(str(path))})
    assert model_zoo.download('bright') == str(path)
    path.write_bytes(b'changed')
    with pytest.raises(HashError, match='not the published file'):
        model_zoo.download('bright')
    path.unlink()
    with pytest.raises(DownloadError, match='there is no file .*bright file.pth'):
        model_zoo.download('bright')


def test_the_inferencer_downloads_by_name(zoo, server, cache):
    data = server.files['/bright.pth']
    sha = hashlib.sha256(data).hexdigest()
    zoo(**{'Weights': f'{server.url}/bright.pth', 'Weights SHA256': sha})
    server.break_after = [len(data) // 2]
    for _ in range(2):
        assert VTGInferencer('bright', device='cpu').model.weight == 1
    assert [bool(wanted) for _, wanted in server.seen] == [False, True]
    assert os.listdir(cache / 'checkpoints' / 'bright') == ['bright.pth']


def test_the_inferencer_does_not_download_what_it_does_not_need(zoo, server, tmp_path):
    zoo(Weights=f'{server.url}/bright.pth')
    VTGInferencer('bright', 'random', 'cpu')
    (tmp_path / 'mine.pth').write_bytes(server.files['/bright.pth'])
    VTGInferencer('bright', str(tmp_path / 'mine.pth'), 'cpu')
    assert not server.seen


def test_a_wrong_hash_is_refused_and_leaves_nothing(zoo, server, cache):
    zoo(**{'Weights': f'{server.url}/bright.pth', 'Weights SHA256': '0' * 64})
    with pytest.raises(HashError, match='instead of 0000'):
        VTGInferencer('bright', device='cpu')
    assert os.listdir(cache / 'checkpoints' / 'bright') == []


def test_checkpoints_with_code_in_them_are_refused(zoo, server):
    buffer = io.BytesIO()
    torch.save(dict(state_dict={}, meta=Config(dict(a=1))), buffer)
    server.files['/bright.pth'] = buffer.getvalue()
    zoo(Weights=f'{server.url}/bright.pth')
    with pytest.raises(ValueError, match='cannot be loaded safely'):
        VTGInferencer('bright', device='cpu')


def test_without_network_the_message_says_what_to_do(zoo, cache):
    zoo(Weights='http://127.0.0.1:9/bright.pth')
    with pytest.raises(DownloadError) as info:
        model_zoo.download('bright')
    message = str(info.value)
    assert 'no connection' in message and 'MMVTG_MIRRORS' in message
    place = cache / 'checkpoints' / 'bright' / 'bright.pth'
    assert f'put it to {place}' in message
    place.write_bytes(file_of({'weight': torch.ones(1)}))
    assert model_zoo.download('bright') == str(place)


@pytest.mark.parametrize('kind', ['url', 'prefix', 'folder', 'environment'])
def test_mirrors_take_over(zoo, server, tmp_path, monkeypatch, kind):
    zoo(Weights='http://127.0.0.1:9/bright.pth')
    (tmp_path / 'bright.pth').write_bytes(server.files['/bright.pth'])
    mirror = {
        'url': f'{server.url}/',
        'prefix': f'http://127.0.0.1:9={server.url}',
        'folder': str(tmp_path),
        'environment': server.url,
    }[kind]
    mirrors = [mirror]
    if kind == 'environment':
        monkeypatch.setenv('MMVTG_MIRRORS', f'https://other.invalid=x {mirror}')
        mirrors = []
    path = model_zoo.download('bright', mirrors=mirrors, progress=False)
    assert Path(path).read_bytes() == server.files['/bright.pth']
    assert bool(server.seen) == (kind != 'folder')


def test_a_mirror_that_is_none_is_an_error(zoo):
    zoo(Weights='http://127.0.0.1:9/bright.pth')
    with pytest.raises(ValueError, match="mirror 'nowhere' is neither"):
        model_zoo.download('bright', mirrors=['nowhere'])


@pytest.fixture
def official(server) -> dict:
    """A release on the server, made of the recorded parameters of the authors."""
    state = load_file(ROOT / 'tests/data/golden/r2_tuning/tiny_hd.state.safetensors')
    server.files['/official-1.pth'] = file_of(state)
    return dict(
        Name='official',
        Weights=f'{server.url}/official-1.pth',
        SHA256=hashlib.sha256(server.files['/official-1.pth']).hexdigest()[:8],
        Code='https://example.org',
        License='BSD-3-Clause',
        Converter='tools/model_converters/r2_tuning.py',
    )


def test_checkpoints_of_the_authors_are_converted(zoo, server, official, cache):
    zoo(**{'Converted From': [official]})
    path = model_zoo.download('bright', progress=False)
    state = torch.load(path, weights_only=True)
    assert all(key.split('.')[0] in ('neck', 'head') for key in state['state_dict'])
    assert 'r2_tuning' in state['meta']
    made = os.stat(path).st_mtime_ns
    assert model_zoo.download('bright@OFFICIAL', progress=False) == path
    assert os.stat(path).st_mtime_ns == made and len(server.seen) == 1


def test_a_checkpoint_that_no_converter_knows(zoo, server, official, cache):
    release = dict(official, Weights=f'{server.url}/bright.pth')
    del release['SHA256']
    zoo(**{'Converted From': [release]})
    with pytest.raises(ValueError, match=r'r2_tuning.py cannot convert .*unknown key'):
        model_zoo.download('bright', progress=False)
    assert os.listdir(cache / 'checkpoints' / 'bright') == ['bright.pth']


def test_which_checkpoint_is_meant(zoo, official):
    zoo(**{'Converted From': [official, dict(official, Name='other')]})
    with pytest.raises(ValueError, match='name one: bright@official, bright@other'):
        model_zoo.download('bright')
    with pytest.raises(ValueError, match="no release 'third'; there are: bright@off"):
        model_zoo.download('bright@third')


def test_some_checkpoints_need_a_browser(zoo, official):
    del official['Weights']
    zoo(**{'Converted From': [dict(official, Page='https://example.org/folder')]})
    with pytest.raises(ValueError, match=r'a browser: .*folder and run `python tools/'):
        VTGInferencer('bright', device='cpu')


def test_the_command_line(cache):
    def run(*args: str) -> subprocess.CompletedProcess:
        command = [sys.executable, str(ROOT / 'tools/model_zoo.py'), *args]
        return subprocess.run(command, capture_output=True, text=True)

    (line,) = run('list', 'r2*tvsum', '--weights').stdout.splitlines()
    assert line.split(maxsplit=1) == [TVSUM, 'download, of the authors']
    (line,) = run('list', 'r2*k4*-10e_moving-shapes', '--weights').stdout.splitlines()
    assert line.endswith('  comes with mmvtg')
    text = run('info', TVSUM).stdout
    assert f'{TVSUM}@BK' in text and 'SHA-256: 45b59440, licence: BSD' in text
    done = run('download', TINY_CLIP, '--folder', str(cache))
    assert done.stdout.split() == [str(cache / 'tiny-clip.safetensors')]
    done = run('download', 'r2-tunning')
    assert done.returncode == 1 and done.stderr.startswith('error: ')
