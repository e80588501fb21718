"""Checkpoints are used whatever wraps them; those that do not fit are refused."""

from itertools import count
from pathlib import Path

import pytest
import torch
from malicious_files import write_pickle, write_torchscript
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader
from safetensors.torch import save_file

from mmvtg.engine.loading import (
    load_from_http,
    load_from_local,
    load_weights,
    stored_config,
)
from mmvtg.utils.tensor_files import CheckpointError


class Scale(BaseModel):
    """Predicts the input times a weight, which is 7 in the checkpoints below."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1, bias=False)

    def forward(self, x, mode='tensor'):
        out = self.layer(torch.stack(x))
        return dict(loss=out.sum()) if mode == 'loss' else list(out)


class Mean(BaseMetric):
    def process(self, data_batch, data_samples) -> None:
        self.results += [float(x) for x in data_samples]

    def compute_metrics(self, results) -> dict:
        return dict(mean=sum(results) / len(results))


_counter = count()
STATE = {'layer.weight': torch.tensor([[7.0]])}
OTHER = {'head.weight': torch.ones(3)}


def make_runner(folder: Path, **settings) -> Runner:
    loader = dict(
        dataset=[dict(x=torch.ones(1))] * 2,
        sampler=dict(type='DefaultSampler', shuffle=False),
        batch_size=2,
    )
    settings.setdefault('test_cfg', dict())
    settings.setdefault('test_dataloader', loader)
    settings.setdefault('test_evaluator', [Mean()])
    hooks = dict(checkpoint=dict(type='SafeCheckpointHook'))
    return Runner(
        Scale(),
        work_dir=str(folder),
        default_hooks=hooks,
        default_scope='mmvtg',
        experiment_name=f'run_{next(_counter)}',
        **settings,
    )


def train_settings() -> dict:
    return dict(
        train_cfg=dict(by_epoch=True, max_epochs=1),
        train_dataloader=dict(
            dataset=[dict(x=torch.ones(1))] * 2,
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=2,
        ),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.0)),
    )


WRAPPED = {
    'plain': STATE,
    'state_dict': dict(state_dict=STATE),
    'model': dict(model=STATE),
    'model_state_dict': dict(model_state_dict=STATE, epoch=1),
    'prefix': {f'module.{key}': x for key, x in STATE.items()},
    'two prefixes': {f'module.module.{key}': x for key, x in STATE.items()},
    'both': dict(model={f'module.{key}': x for key, x in STATE.items()}),
    'compiled': dict(state_dict={f'_orig_mod.{key}': x for key, x in STATE.items()}),
    'averaged': dict(state_dict={k: 0 * x for k, x in STATE.items()}, ema=STATE),
}


@pytest.mark.parametrize('name', WRAPPED)
def test_wrapped_weights_are_scored(name, tmp_path):
    path = str(tmp_path / 'w.pth')
    torch.save(WRAPPED[name], path)
    assert make_runner(tmp_path / 'run', load_from=path).test()['mean'] == 7
    model = Scale()
    load_weights(model, path)
    assert model.layer.weight.item() == 7


@pytest.mark.parametrize(
    'content',
    [OTHER, dict(model=OTHER), dict(state_dict={'layer.weight': torch.ones(2)})],
)
def test_a_checkpoint_that_does_not_fit_is_not_scored(content, tmp_path):
    path = str(tmp_path / 'w.pth')
    torch.save(content, path)
    expected = r'w\.pth: the weights are of another model.*layer\.weight is'
    with pytest.raises(CheckpointError, match=expected):
        make_runner(tmp_path / 'run', load_from=path).test()
    with pytest.raises(CheckpointError, match=expected):
        load_weights(Scale(), path)


@pytest.mark.parametrize('content', [[STATE], torch.ones(2), dict(epoch=1)])
def test_a_file_without_weights_is_not_scored(content, tmp_path):
    path = str(tmp_path / 'w.pth')
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r'w\.pth cannot be loaded.*it holds'):
        make_runner(tmp_path / 'run', load_from=path).test()


def test_training_may_start_from_some_parts_but_not_from_none(tmp_path):
    path = str(tmp_path / 'w.pth')
    torch.save(dict(state_dict=OTHER), path)
    with pytest.raises(CheckpointError, match='another model'):
        make_runner(tmp_path / 'a', load_from=path, **train_settings()).train()
    torch.save(dict(state_dict={**STATE, **OTHER}), path)
    model = make_runner(tmp_path / 'b', load_from=path, **train_settings()).train()
    assert model.layer.weight.item() == 7


def test_a_training_resumes_from_its_own_checkpoint(tmp_path):
    make_runner(tmp_path, **train_settings()).train()
    settings = train_settings()
    settings['train_cfg']['max_epochs'] = 2
    runner = make_runner(tmp_path, resume=True, **settings)
    runner.train()
    assert runner.epoch == 2


def write_config(path: Path, text: str) -> None:
    hub = dict(runtime_info=dict(cfg=text))
    meta = dict(cfg=text, config=text, epoch=1, iter=1)
    content = dict(state_dict=STATE, optimizer={}, message_hub=hub, meta=meta)
    torch.save(content, path)


def test_a_config_in_a_checkpoint_is_not_run(tmp_path):
    mark, path = tmp_path / 'mark', str(tmp_path / 'w.pth')
    write_config(path, f'a = __import__("os").system("touch {mark}")')
    with pytest.raises(CheckpointError, match=r'w\.pth: the config.*not plain data'):
        stored_config(path)
    resumed = make_runner(
        tmp_path / 'run', load_from=path, resume=True, **train_settings()
    )
    with pytest.raises(CheckpointError, match='not plain data'):
        resumed.train()
    assert not mark.exists()
    write_config(path, "model = dict(type='VideoGrounder')")
    assert stored_config(path).model.type == 'VideoGrounder'
    torch.save(STATE, path)
    with pytest.raises(CheckpointError, match=r'w\.pth has no config; name the config'):
        stored_config(path)


@pytest.mark.parametrize('write', [write_pickle, write_torchscript])
def test_a_refused_checkpoint_has_no_advice_to_load_it_unsafely(write, tmp_path):
    path, mark = tmp_path / 'bad.pth', tmp_path / 'mark'
    write(path, mark)
    with pytest.raises(ValueError, match=r'bad\.pth cannot be loaded safely') as info:
        CheckpointLoader.load_checkpoint(str(path))
    for word in ('weights_only', 'allowlist', 'safe_globals', 'trust'):
        assert word not in str(info.value)
    assert not mark.exists()


def test_downloads_are_refused_likewise(tmp_path, monkeypatch):
    path, mark = tmp_path / 'bad.pth', tmp_path / 'mark'
    write_pickle(path, mark)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    with pytest.raises(CheckpointError, match='it holds posix.system') as info:
        load_from_http(path.as_uri(), progress=False)
    assert 'weights_only' not in str(info.value) and not mark.exists()


def test_safetensors_are_loaded_to_the_device_or_refused(tmp_path):
    path = str(tmp_path / 'w.safetensors')
    save_file({'a': torch.ones(2)}, path)
    assert load_from_local(path)['a'].tolist() == [1, 1]
    for device in ('meta', torch.device('meta')):
        assert load_from_local(path, device)['a'].device.type == 'meta'
    with open(path, 'r+b') as file:
        file.truncate(20)
    with pytest.raises(ValueError, match=r'w\.safetensors cannot be loaded'):
        load_from_local(path)
