"""The runner of zero-shot protocols: guards, resuming, mean and deviation."""

import json
import runpy
from pathlib import Path

import pytest
from mmengine.config import Config

TOOL = Path(__file__).parents[2] / 'tools' / 'zero_shot_protocol.py'
tool = runpy.run_path(str(TOOL))
SETTING = 'train_75_test_25'


@pytest.fixture
def cfg(tmp_path):
    """A config with the lists of two splits, the second of which leaks."""
    for split, (seen, unseen) in enumerate(
        [(['a', 'b'], ['c']), (['a', 'c'], ['c']), (['b', 'c'], ['a'])]
    ):
        for side, names in (('train', seen), ('test', unseen)):
            file = tmp_path / SETTING / side / f'split_{split}.list'
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text('\n'.join(names) + '\n')

    def lists(side):
        return f'{SETTING}/{side}/split_0.list'

    root = str(tmp_path)
    return Config(
        dict(
            setting=SETTING,
            split='split_0.list',
            default_hooks=dict(checkpoint=dict(interval=1)),
            train_dataloader=dict(
                dataset=dict(
                    data_root=root, classes=lists('train'), unseen=lists('test')
                )
            ),
            test_dataloader=dict(dataset=dict(data_root=root, classes=lists('test'))),
        )
    )


def test_lists_of_the_wanted_split_are_used(cfg):
    out = tool['split_config'](cfg, SETTING, 2, 'there')
    assert out.train_dataloader.dataset.classes == f'{SETTING}/train/split_2.list'
    assert out.train_dataloader.dataset.unseen == f'{SETTING}/test/split_2.list'
    assert out.test_dataloader.dataset.classes == f'{SETTING}/test/split_2.list'
    assert cfg.train_dataloader.dataset.classes.endswith('split_0.list')


def test_proposals_are_those_of_the_split(cfg):
    cfg.model = dict(head=dict(proposals='first/{setting}/split_{split}/p.json'))
    out = tool['split_config'](cfg, SETTING, 2, 'there')
    assert out.model.head.proposals == f'first/{SETTING}/split_2/p.json'
    cfg.model.head.proposals = 'first/p.json'
    with pytest.raises(ValueError, match='knows classes that are unseen'):
        tool['split_config'](cfg, SETTING, 0, 'there')


def test_split_that_leaks_is_refused(cfg):
    with pytest.raises(ValueError, match=r"split 1: 1 classes are trained on.*'c'"):
        tool['split_config'](cfg, SETTING, 1, 'there')


def test_unseen_classes_must_not_choose_the_checkpoint(cfg):
    cfg.val_dataloader = cfg.test_dataloader
    with pytest.raises(ValueError, match='must not choose the checkpoint'):
        tool['split_config'](cfg, SETTING, 0, 'there')
    cfg.val_dataloader = None
    cfg.default_hooks.checkpoint.save_best = 'mAP'
    with pytest.raises(ValueError, match='save_best'):
        tool['split_config'](cfg, SETTING, 0, 'there')


def test_classes_must_be_paths_of_lists(cfg):
    cfg.train_dataloader.dataset.classes = ['a', 'b']
    with pytest.raises(ValueError, match='seen classes of the config'):
        tool['split_config'](cfg, SETTING, 0, 'there')
    cfg.train_dataloader.dataset.classes = 'other/train/split_0.list'
    with pytest.raises(ValueError, match='other/train/split_0.list'):
        tool['split_config'](cfg, SETTING, 0, 'there')


def test_mean_and_deviation():
    results = {'x': {0: dict(mAP=10.0, time=1.0), 1: dict(mAP=20.0, time=2.0)}}
    summary, table = tool['summarise'](results)
    assert summary['x']['mAP']['mean'] == 15
    assert summary['x']['mAP']['std'] == pytest.approx(50**0.5)
    assert '| x | 2 | 15.00 ± 7.07 |' in table and 'time' not in table
    summary, table = tool['summarise']({'x': {0: dict(mAP=10.0)}})
    assert summary['x']['mAP']['std'] is None and '| x | 1 | 10.00 |' in table


def test_finished_splits_are_not_repeated(cfg, tmp_path):
    cfg.work_dir = str(tmp_path / 'done')
    (tmp_path / 'done').mkdir()
    (tmp_path / 'done' / tool['RESULT']).write_text(json.dumps(dict(mAP=3.0)))
    assert tool['run_split'](cfg, 0, None) == dict(mAP=3.0)
