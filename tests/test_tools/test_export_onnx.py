"""Heads as ONNX files, run by onnxruntime at lengths that they were not made with."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ['model.neck.channels=32', 'model.head.channels=32']
CONFIGS = {
    'r2_tuning/r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes': [
        'model.pyramid.channels=32'
    ],
    'moment_detr/moment-detr_tiny-clip_1xb16-30e_moving-shapes': [],
    'qd_detr/qd-detr_tiny-clip_1xb16-30e_moving-shapes': [],
    'univtg/univtg_tiny-clip_1xb16-30e_moving-shapes': [],
}


@pytest.fixture(scope='module')
def tool():
    path = ROOT / 'tools/deployment/export_onnx.py'
    spec = importlib.util.spec_from_file_location('export_onnx', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('config', CONFIGS)
def test_onnxruntime_says_what_torch_says(tool, config, tmp_path, capsys):
    target = tmp_path / 'model.onnx'
    path = str(ROOT / f'configs/{config}.py')
    options = [*SMALL, *CONFIGS[config]]
    assert tool.main([path, 'random', str(target), '--cfg-options', *options]) == 0, (
        capsys.readouterr().err
    )
    assert target.is_file()
    assert 'largest differences from torch' in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ['model.onnx']


@pytest.mark.parametrize(
    'config, reason',
    [
        ('tr_detr/tr-detr_tiny-clip_1xb16-30e_moving-shapes', 'recurrent'),
        ('mmn/mmn_tiny-clip-slowfast_1xb4-12e_moving-shapes', 'MMNHead'),
    ],
)
def test_other_heads_are_refused(tool, config, reason, tmp_path, capsys):
    path = ROOT / f'configs/{config}.py'
    assert tool.main([str(path), 'random', str(tmp_path / 'model.onnx')]) == 1
    assert reason in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
