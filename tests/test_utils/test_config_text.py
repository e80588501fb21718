"""The config in a checkpoint is read, and never run."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmvtg.utils.config_text import parse_config
from mmvtg.utils.tensor_files import CheckpointError

CONFIGS = Path(__file__).parents[2] / 'configs'
NAMES = [
    'r2_tuning/r2-tuning_*_moving-shapes.py',
    'moment_detr/*_qvhighlights.py',
    'stale/*_moving-shapes*.py',
    'slowfast/*.py',
]


@pytest.mark.parametrize('pattern', NAMES)
def test_configs_come_back_as_they_were_written(pattern):
    path = sorted(CONFIGS.glob(pattern))[0]
    config = Config.fromfile(str(path))
    assert parse_config(config.pretty_text).to_dict() == config.to_dict()


def test_literals(tmp_path):
    values = dict(
        numbers=[1, -2, 1e-5, float('inf'), -float('inf')],
        words='it\'s "quoted"',
        others=dict(no=None, yes=True, both=(1,), some={1, 2}),
        keys={'a b': 1, '2.c': 2},
    )
    text = Config(values).pretty_text
    assert parse_config(text).to_dict() == values


def test_classes_as_types(tmp_path):
    (tmp_path / 'base.py').write_text('fps = 1.0\n')
    (tmp_path / 'lazy.py').write_text(
        'from mmengine.config import read_base\n\n'
        'with read_base():\n    from .base import *\n'
        'from mmvtg.models.necks import R2Block\n'
        'from torch.optim import AdamW\n\n'
        'model = dict(type=R2Block)\noptimizer = dict(type=AdamW)\n'
    )
    text = Config.fromfile(str(tmp_path / 'lazy.py')).pretty_text
    assert parse_config(text).model.type == 'mmvtg.models.necks.R2Block'


CODE = [
    'import os',
    '__import__("os").system("touch {mark}")',
    'a = __import__("os").system("touch {mark}")',
    'a = [open("{mark}", "w") for _ in (1,)]',
    'a = f"{{open(chr(47))}}"',
    'a = dict(**open("{mark}", "w"))',
    'a.b = 1',
    'a: int = open("{mark}", "w")',
    'def f(): pass',
    'a = (lambda: 1)()',
    'a = b',
    'a = "\0"',
    'a = ' + '(' * 500,
    'a = {{[]: 1}}',
    'a = -"x"',
]


@pytest.mark.parametrize('text', CODE)
def test_code_is_refused_and_not_run(text, tmp_path):
    mark = tmp_path / 'mark'
    text = text.format(mark=mark)
    for read in (parse_config, lambda text: Config.fromstring(text, '.py')):
        with pytest.raises(CheckpointError, match='is not plain data'):
            read(text)
    assert not mark.exists()


@pytest.mark.parametrize(
    'kind',
    [
        'os.system',
        'subprocess.Popen',
        'builtins.exec',
        'mmengine.fileio.load',
        'mmvtg.apis.model_zoo.download',
        'torch.hub.load',
        'this',  # importing it prints a poem
    ],
)
def test_types_that_would_be_imported_are_refused(kind, capsys):
    config = Config(dict(model=dict(neck=[dict(type=kind, command='touch x')])))
    with pytest.raises(CheckpointError, match=rf"model\.neck\[0\]\.type='{kind}'"):
        parse_config(config.pretty_text)
    assert 'Zen' not in capsys.readouterr().out


def test_scopes_that_would_be_imported_are_refused():
    with pytest.raises(CheckpointError, match=r"model\._scope_='elsewhere\.registry'"):
        parse_config("model = dict(type='R2Block', _scope_='elsewhere')")


def test_names_that_mmengine_keeps_are_refused():
    with pytest.raises(CheckpointError, match='filename is reserved'):
        parse_config("filename = 'x'")


def test_names_of_options_are_no_parts():
    text = "a = dict(type='norm', b=dict(type='mmengine.EMAHook', c=dict(type='max')))"
    assert parse_config(text).a.type == 'norm'
