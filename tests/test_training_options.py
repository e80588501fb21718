"""What docs/scale.md says a config can switch on, each trained for a few steps."""

import copy

import pytest
import torch
from mmengine.runner import Runner
from tiny_world import CONFIG, ROOT
from torch._dynamo.utils import counters

from mmvtg.utils.launch import load_config

STEPS = 4


@pytest.fixture
def train(world, tmp_path, monkeypatch):
    """Trains a few steps of two samples with options, and gives the runner."""
    monkeypatch.setenv('MMVTG_DATA', str(world))
    monkeypatch.setenv('MOVING_SHAPES', 'tiny')

    def run(steps=STEPS, **options):
        cfg = load_config(str(ROOT / CONFIG), options)
        loader = cfg.train_dataloader
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.indices = 2 * steps
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
        cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', interval=1)
        cfg.train_cfg.max_epochs = 1
        cfg.work_dir = str(tmp_path / f'run{len(list(tmp_path.iterdir()))}')
        cfg.experiment_name = f'{tmp_path.name}_{cfg.work_dir[-1]}'
        runner = Runner.from_cfg(cfg)
        runner.train()
        return runner

    return run


def state_of(runner):
    return copy.deepcopy(runner.model.state_dict())


def farthest(one, two):
    """Largest difference of any weight."""
    return max((one[key] - two[key]).abs().max().item() for key in one)


@pytest.fixture
def plain(train):
    return state_of(train())


def test_gradients_are_accumulated(train, monkeypatch):
    steps = []
    original = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW,
        'step',
        lambda self, *args: (steps.append(1), original(self, *args))[1],
    )
    train(**{'optim_wrapper.accumulative_counts': 2})
    assert len(steps) == STEPS / 2


def test_bfloat16_trains_nearly_as_float32(train, plain):
    seen = []
    original = torch.nn.Linear.forward

    def forward(self, x):
        seen.append(torch.is_autocast_enabled('cpu'))
        return original(self, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Linear, 'forward', forward)
        runner = train(**{'optim_wrapper.type': 'BFloat16OptimWrapper'})
    state = state_of(runner)
    assert sum(seen) > len(seen) / 2  # contrastive losses stay in float32
    assert all(value.dtype == torch.float32 for value in state.values())
    assert 0 < farthest(plain, state) < 0.05


def test_compiled_trains_as_plain(train):
    plain = state_of(train(steps=1))
    counters.clear()
    hooks = [dict(type='IterationSeedHook')]
    hooks += [
        dict(type='CompileHook', parts=['pyramid'], dynamic=True, backend='eager')
    ]
    state = state_of(train(steps=1, custom_hooks=hooks))
    assert counters['stats']['calls_captured'] > 5
    assert farthest(plain, state) < 1e-5


def test_compiling_what_is_not_there(train):
    with pytest.raises(ValueError, match="no part 'encoder'"):
        train(custom_hooks=[dict(type='CompileHook', parts=['encoder'])])


def test_ema_is_what_the_checkpoint_holds(train, plain):
    hook = dict(type='EMAHook', momentum=0.5)
    runner = train(custom_hooks=[dict(type='IterationSeedHook'), hook])
    path = f'{runner.work_dir}/epoch_1.pth'
    saved = torch.load(path, weights_only=True)
    assert farthest(plain, state_of(runner)) < 1e-6  # training itself is the same
    assert farthest(plain, saved['state_dict']) > 1e-5
    assert {'ema_state_dict', 'state_dict'} <= set(saved)
