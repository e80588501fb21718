"""Files from elsewhere are read as data."""

import argparse
import collections
import pathlib

import pytest
import torch
from malicious_files import (
    EasyDict,
    easydict_installed,
    write_pickle,
    write_raw_pickle,
    write_torchscript,
)

from mmvtg.utils.tensor_files import CheckpointError, load_foreign, load_tensors

READERS = [load_foreign, load_tensors]
ADVICE = ('weights_only', 'safe_globals', 'allowlist', 'torch.load', 'trust')


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize(
    'by, name',
    [('os', 'posix.system'), ('subprocess', '.call'), ('eval', 'eval')],
)
@pytest.mark.parametrize('read', READERS)
def test_code_in_a_pickle_is_named_and_not_run(read, by, name, legacy, tmp_path):
    path, mark = tmp_path / 'bad.pth', tmp_path / 'mark'
    write_pickle(path, mark, by, legacy)
    with pytest.raises(CheckpointError, match=f'it holds .*{name}, which is') as info:
        read(str(path))
    assert not mark.exists()
    assert not any(word in str(info.value) for word in ADVICE)


@pytest.mark.parametrize('read', READERS)
def test_refused_files_do_not_advise_to_switch_safe_loading_off(read, tmp_path):
    good, mark = tmp_path / 'good.pth', tmp_path / 'mark'
    torch.save({'w': torch.ones(100)}, good)
    write_raw_pickle(tmp_path / 'raw.pth', mark)
    (tmp_path / 'empty.pth').write_bytes(b'')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    (tmp_path / 'cut.pth').write_bytes(good.read_bytes()[:300])
    (tmp_path / 'cut.safetensors').write_bytes(b'1234')
    for name in ('raw.pth', 'empty.pth', 'text.pth', 'cut.pth', 'cut.safetensors'):
        with pytest.raises(CheckpointError) as info:
            read(str(tmp_path / name))
        assert not any(word in str(info.value) for word in ADVICE), name
    assert not mark.exists()


def test_a_torchscript_archive_runs_nothing(tmp_path):
    path, mark = tmp_path / 'bad.pt', tmp_path / 'mark'
    write_torchscript(path, mark)
    torch.jit.load(path)
    assert mark.exists(), 'the attack works where archives are run'
    mark.unlink()
    with pytest.raises(CheckpointError, match='TorchScript'):
        load_tensors(str(path))
    with pytest.raises(CheckpointError, match='TorchScript'):
        load_foreign(str(path))
    assert not mark.exists()


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.GELU())
        self.small = torch.nn.Parameter(torch.ones(2).half())
        self.register_buffer('count', torch.tensor(77))
        self.sizes = [1, 2]

    def forward(self, x):
        return self.parts(x)


@pytest.mark.parametrize('traced', [True, False])
def test_tensors_of_a_torchscript_archive(traced, tmp_path):
    model = Model()
    make = torch.jit.trace if traced else torch.jit.script
    torch.jit.save(make(model, torch.zeros(1, 2)), tmp_path / 'a.pt')
    found = load_foreign(str(tmp_path / 'a.pt'))
    assert found.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(found[name], value) and found[name].dtype == value.dtype


@pytest.mark.parametrize('legacy', [False, True])
def test_unknown_containers_become_dicts(legacy, tmp_path):
    path = tmp_path / 'a.ckpt'
    options = argparse.Namespace(
        lr=0.1,
        root=pathlib.Path('/data/x'),
        counts=collections.defaultdict(list, {'a': [1]}),
        inner=EasyDict(names=['b'], size=EasyDict(width=3)),
    )
    content = dict(model=torch.nn.Linear(2, 2).state_dict(), opt=options)
    with easydict_installed():
        torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    found = load_foreign(str(path))
    assert found['opt'] == dict(
        lr=0.1,
        root='/data/x',
        counts={'a': [1]},
        inner=dict(names=['b'], size=dict(width=3)),
    )
    assert type(found['opt']) is type(found['opt']['inner']) is dict
    assert torch.equal(found['model']['weight'], content['model']['weight'])


def test_a_file_that_holds_itself_ends(tmp_path):
    content: dict = {}
    content['model'] = content
    torch.save(content, tmp_path / 'loop.pth')
    with pytest.raises(CheckpointError):
        load_foreign(str(tmp_path / 'loop.pth'))


def test_an_old_torch_says_that_a_newer_one_may_read_a_file(tmp_path, monkeypatch):
    torch.save(dict(w=torch.ones(1), opt=argparse.Namespace(a=1)), tmp_path / 'a.pth')
    name = 'get_unsafe_globals_in_checkpoint'
    monkeypatch.delattr(torch.serialization, name)
    with pytest.raises(CheckpointError, match=r'argparse\.Namespace.*torch 2\.6'):
        load_foreign(str(tmp_path / 'a.pth'))
