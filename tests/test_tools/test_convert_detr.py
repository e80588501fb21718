"""Converters of the released checkpoints of the DETR family."""

import argparse
import os
import runpy
import sys
from pathlib import Path

import pytest
import torch
from golden_files import BUNDLED
from mmengine.config import Config
from mmengine.runner import load_checkpoint

from mmvtg.registry import MODELS
from mmvtg.utils.detr_conversion import input_settings

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'test_golden'))
from detr_golden import Case  # noqa: E402

METHODS = ['moment_detr', 'qd_detr', 'tr_detr']


def tool(method):
    return runpy.run_path(str(ROOT / 'tools' / 'model_converters' / f'{method}.py'))


def state_of(method):
    return Case(method, 'full', BUNDLED / method).state()


def run(monkeypatch, method, source, target):
    monkeypatch.setattr(sys, 'argv', [method, str(source), str(target)])
    runpy.run_path(
        str(ROOT / 'tools' / 'model_converters' / f'{method}.py'), run_name='__main__'
    )


@pytest.mark.parametrize('method', METHODS)
def test_released_file_fills_the_model_of_our_config(method, tmp_path, monkeypatch):
    options = argparse.Namespace(lr=1e-4, device=torch.device('cpu'), dset_name='hl')
    state = {f'module.{key}': value for key, value in state_of(method).items()}
    source, target = tmp_path / 'model_best.ckpt', tmp_path / 'ours.pth'
    torch.save(dict(model=state, optimizer={}, epoch=3, opt=options), source)
    run(monkeypatch, method, source, target)
    (path,) = ROOT.glob(f'configs/{method}/*_clip-slowfast_*_qvhighlights.py')
    model = MODELS.build(Config.fromfile(str(path)).model)
    checkpoint = load_checkpoint(model, str(target), strict=True)
    settings = checkpoint['meta'][method]
    assert settings['neck']['video_dims'] == 2816
    assert settings['head']['decoder']['num_queries'] == 10


class Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize('method', [*METHODS, 'univtg'])
def test_code_in_a_file_is_not_run(method, tmp_path, monkeypatch):
    options = argparse.Namespace(extra=Harm(str(tmp_path / 'harm')))
    torch.save(dict(model={}, opt=options), tmp_path / 'bad.ckpt')
    with pytest.raises(SystemExit, match='it is not loaded'):
        run(monkeypatch, method, tmp_path / 'bad.ckpt', tmp_path / 'out.pth')
    assert not (tmp_path / 'harm').exists()


@pytest.mark.parametrize('method', METHODS)
def test_a_file_that_lacks_a_tensor_or_has_another_is_refused(method):
    convert, state = tool(method)['convert'], state_of(method)
    with pytest.raises(ValueError, match="unknown key 'spam'"):
        convert(dict(state, spam=torch.zeros(1)))
    for key in ('class_embed.bias', 'input_vid_proj.0.LayerNorm.weight'):
        with pytest.raises(ValueError, match='missing|has no'):
            convert({name: value for name, value in state.items() if name != key})
    wrong = dict(state, **{'class_embed.bias': torch.zeros(3)})
    with pytest.raises(ValueError, match=r'class_proj.bias \(3,\) instead of \(2,\)'):
        convert(wrong)


@pytest.mark.parametrize(
    'width, expected, tef',
    [
        (2818, 2816, True),
        (514, 512, True),
        (2816, 2816, False),
        (2818 + 2050, [2816, 2048], True),
    ],
)
def test_widths_tell_streams(width, expected, tef):
    prefix = 'neck.inputs.{}_mlp.{}.weight'
    settings = input_settings(
        {
            prefix.format('video', 'norm_in'): torch.zeros(width),
            prefix.format('query', 'norm_in'): torch.zeros(512),
            prefix.format('query', 'linear_out'): torch.zeros(256, 256),
        }
    )
    assert settings['video_dims'] == expected
    assert settings['inputs']['use_tef'] is tef
