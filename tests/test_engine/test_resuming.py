"""A resumed training continues from the newest complete checkpoint, or says why not."""

import itertools
import os
import re
import shutil
import sys

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmvtg.engine import SafeCheckpointHook, checkpoint
from mmvtg.engine.resuming import ResumeError

EPOCHS = 4
RUNS = itertools.count()
EMA = [dict(type='EMAHook', momentum=0.1)]


class Line(BaseModel):
    """The smallest model with a loss."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Linear(1, 1)

    def forward(self, x, mode='loss'):
        return dict(loss=(self.weight(x) - 3 * x).square().mean())


def train(folder, epochs=EPOCHS, resume=False, load_from=None, ema=(), **hook):
    """Train in a folder; with momentum, so that the optimizer's state matters."""
    values = torch.arange(8.0)[:, None] / 8
    hook = dict(type='SafeCheckpointHook', interval=1, **hook)
    runner = Runner(
        model=Line(),
        work_dir=str(folder),
        train_dataloader=dict(
            dataset=[dict(x=value) for value in values],
            batch_size=4,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        param_scheduler=dict(type='ExponentialLR', gamma=0.8, by_epoch=True),
        default_hooks=dict(checkpoint=hook),
        custom_hooks=list(ema),
        resume=resume,
        load_from=load_from and str(load_from),
        experiment_name=f'resuming_{next(RUNS)}',  # its logs are its own
        default_scope='mmvtg',
        log_level='WARNING',
    )
    warned = []
    runner.logger.warning = warned.append
    runner.train()
    return runner, warned


def state(folder, epoch=EPOCHS):
    return torch.load(folder / f'epoch_{epoch}.pth', weights_only=True)


def final(folder):
    return {name: value.item() for name, value in state(folder)['state_dict'].items()}


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """An uninterrupted training, with all its checkpoints."""
    folder = tmp_path_factory.mktemp('whole')
    train(folder)
    return folder


@pytest.fixture
def killed(whole, tmp_path):
    """Its folder after three of four epochs."""
    folder = tmp_path / 'work'
    folder.mkdir()
    for epoch in (1, 2, 3):
        shutil.copy(whole / f'epoch_{epoch}.pth', folder)
    (folder / 'last_checkpoint').write_text(str(folder / 'epoch_3.pth'))
    return folder


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b'')


def flip_a_bit(path):
    """In the bytes of a tensor, which torch.load takes as they are."""
    value = state(path.parent, 3)['state_dict']['weight.weight'].numpy().tobytes()
    data = path.read_bytes()
    at = data.index(value)
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    torch.load(path, weights_only=True)


def fill_with_zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def write_text(path):
    path.write_text('<html>404 Not Found</html>')


def drop(key):
    def change(path):
        content = torch.load(path, weights_only=True)
        del content[key]
        torch.save(content, path)

    change.__name__ = f'drop_{key}'
    return change


def keep_weights_alone(path):
    torch.save(torch.load(path, weights_only=True)['state_dict'], path)


class Command:
    def __reduce__(self):
        return (os.system, ('touch it_ran',))


def pickle_a_command(path):
    torch.save(dict(state_dict=Command()), path)


DAMAGES = {
    truncate: 'truncated or damaged',
    cut_in_half: 'truncated or damaged',
    fill_with_zeros: 'truncated or damaged',
    write_text: 'truncated or damaged',
    empty: 'is empty',
    flip_a_bit: r'is damaged in \S+/data/\d+',
    pickle_a_command: 'damaged, or contains more than plain data',
    keep_weights_alone: 'lacks: weights, epoch and iteration, training log, state of',
    drop('optimizer'): 'lacks: state of the optimizer',
    drop('param_schedulers'): 'lacks: state of the learning rate',
    drop('message_hub'): 'lacks: training log',
    drop('meta'): 'lacks: epoch and iteration',
}
damages = pytest.mark.parametrize('damage', DAMAGES, ids=lambda f: f.__name__)


@damages
def test_an_unusable_newest_checkpoint_is_skipped_and_said(whole, killed, damage):
    damage(killed / 'epoch_3.pth')
    runner, warned = train(killed, resume=True)
    (message,) = [text for text in warned if 'skipped' in text]
    assert message.startswith(str(killed / 'epoch_3.pth'))
    assert message.endswith(f'continues from {killed / "epoch_2.pth"}')
    assert re.search(DAMAGES[damage], message)
    assert final(killed) == final(whole) and not os.path.exists('it_ran')


@damages
def test_an_unusable_file_given_by_hand_is_refused(killed, damage):
    path = killed / 'epoch_3.pth'
    damage(path)
    before = path.read_bytes()
    with pytest.raises(ResumeError, match=DAMAGES[damage]) as error:
        train(killed, resume=True, load_from=path)
    message = str(error.value)
    assert message.startswith(f'cannot resume from {path}: it ')
    assert '\n' not in message and '--resume without a path' in message
    assert path.read_bytes() == before and not (killed / 'epoch_4.pth').exists()


def test_several_unusable_checkpoints_are_skipped(whole, killed):
    truncate(killed / 'epoch_3.pth')
    empty(killed / 'epoch_2.pth')
    runner, warned = train(killed, resume=True)
    assert len([text for text in warned if 'skipped' in text]) == 2
    assert final(killed) == final(whole)


def test_without_a_usable_checkpoint_nothing_is_trained(killed):
    for epoch in (1, 2, 3):
        truncate(killed / f'epoch_{epoch}.pth')
    with pytest.raises(
        ResumeError, match=r'epoch_3.*; .*epoch_2.*; .*epoch_1'
    ) as error:
        train(killed, resume=True)
    assert '\n' not in str(error.value) and '--resume PATH' in str(error.value)
    assert not (killed / 'epoch_4.pth').exists()


@pytest.mark.parametrize('pointer', ['', '{}/epoch_9.pth', '{}/epoch_', b'\xff', None])
def test_a_broken_last_checkpoint_is_mended(whole, killed, pointer):
    path = killed / 'last_checkpoint'
    path.unlink()
    if isinstance(pointer, bytes):
        path.write_bytes(pointer)
    elif pointer is not None:
        path.write_text(pointer.format(killed))
    runner, warned = train(killed, resume=True)
    assert not [text for text in warned if 'skipped' in text]
    assert final(killed) == final(whole)
    assert path.read_text() == str(killed / 'epoch_4.pth')


def test_a_moved_work_dir_continues_where_it_was(whole, killed):
    earlier = killed.parent / 'elsewhere' / 'epoch_2.pth'
    (killed / 'last_checkpoint').write_text(str(earlier))
    runner, warned = train(killed, epochs=2, resume=True)
    assert (killed / 'last_checkpoint').read_text() == str(killed / 'epoch_2.pth')


def test_later_checkpoints_of_a_previous_run_are_not_taken(whole, killed):
    shutil.copy(whole / 'epoch_4.pth', killed / 'epoch_30.pth')
    truncate(killed / 'epoch_3.pth')
    train(killed, resume=True)
    assert final(killed) == final(whole)


def test_checkpoints_in_another_folder_are_found(whole, killed, tmp_path):
    other = tmp_path / 'other' / killed.name
    other.mkdir(parents=True)
    for epoch in (1, 2, 3):
        shutil.move(killed / f'epoch_{epoch}.pth', other)
    truncate(other / 'epoch_3.pth')
    (killed / 'last_checkpoint').write_text(str(other / 'epoch_3.pth'))
    runner, warned = train(killed, resume=True, out_dir=str(tmp_path / 'other'))
    assert len([text for text in warned if 'skipped' in text]) == 1
    assert final(other) == final(whole)


def test_without_checkpoints_training_starts_and_nothing_is_pointed_at(whole, tmp_path):
    folder = tmp_path / 'new'
    folder.mkdir()
    (folder / 'last_checkpoint').write_text('gone.pth')
    train(folder, resume=True)
    assert final(folder) == final(whole)


def test_an_optimizer_that_is_not_saved_is_not_missed(killed):
    drop('optimizer')(killed / 'epoch_3.pth')
    runner, warned = train(killed, resume=True, save_optimizer=False)
    assert not [text for text in warned if 'skipped' in text]
    assert (killed / 'epoch_4.pth').exists()


def test_averaged_weights_continue_or_are_missed(tmp_path):
    whole, killed = tmp_path / 'ema', tmp_path / 'killed'
    for folder in (whole, killed):
        folder.mkdir()
    train(whole, ema=EMA)
    for epoch in (2, 3):
        shutil.copy(whole / f'epoch_{epoch}.pth', killed)
    (killed / 'last_checkpoint').write_text(str(killed / 'epoch_3.pth'))
    with pytest.raises(ResumeError, match='trained with an EMAHook, and the'):
        train(killed, resume=True)
    drop('ema_state_dict')(killed / 'epoch_3.pth')
    with pytest.raises(ResumeError, match='lacks: weights before averaging'):
        train(killed, resume=True, load_from=killed / 'epoch_3.pth', ema=EMA)
    runner, warned = train(killed, resume=True, ema=EMA)
    assert any('before averaging' in text for text in warned)
    assert final(killed) == final(whole)


def test_without_resume_nothing_is_read(killed, monkeypatch):
    monkeypatch.setattr(checkpoint, 'load_from_local', None)
    truncate(killed / 'epoch_3.pth')
    train(killed, epochs=1)
    assert (killed / 'last_checkpoint').read_text() == str(killed / 'epoch_1.pth')


def test_others_wait_until_the_pointer_is_mended(whole, killed, monkeypatch):
    seen, path = [], killed / 'last_checkpoint'
    for main in (True, False):
        monkeypatch.setattr(checkpoint, 'is_main_process', lambda main=main: main)
        monkeypatch.setattr(
            checkpoint, 'barrier', lambda: seen.append(path.read_text())
        )
        truncate(killed / 'epoch_3.pth')
        path.write_text('' if main else 'of rank 0')
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Runner, 'load_or_resume', lambda self: sys.exit())
            with pytest.raises(SystemExit):
                train(killed, resume=True)
    assert seen == [str(killed / 'epoch_2.pth'), 'of rank 0']


def test_the_previous_best_checkpoint_is_deleted_after_the_new_one(
    tmp_path, monkeypatch
):
    folder = tmp_path / 'best'
    folder.mkdir()
    runner, _ = train(folder, epochs=1, save_best='score', rule='greater')
    (hook,) = [h for h in runner.hooks if isinstance(h, SafeCheckpointHook)]
    hook.after_val_epoch(runner, dict(score=1.0))
    (first,) = folder.glob('best_*')
    runner.train_loop._epoch = 2
    with monkeypatch.context() as patch:

        def fail(*args, **kwargs):
            raise OSError('disk full')

        patch.setattr(runner, 'save_checkpoint', fail)
        with pytest.raises(OSError, match='disk full'):
            hook.after_val_epoch(runner, dict(score=2.0))
    assert first.exists()
    hook.best_ckpt_path = str(first)
    hook.after_val_epoch(runner, dict(score=3.0))
    assert [path.name for path in folder.glob('best_*')] == ['best_score_epoch_2.pth']
    assert os.path.isfile(hook.best_ckpt_path)
