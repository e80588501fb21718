"""Published weights: nothing but weights, of the same numbers, with their hash."""

import hashlib
import json
import runpy
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from mmvtg.engine.loading import load_from_local

TOOL = Path(__file__).parents[2] / 'tools' / 'publish_model.py'
tool = runpy.run_path(str(TOOL))


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / 'work' / 'epoch_2.pth'
    path.parent.mkdir()
    content = dict(
        meta=dict(epoch=2, seed=1, cfg='x = 1', experiment_name='nice_model_2026_12'),
        state_dict={'head.weight': torch.randn(3, 4).t()},
        optimizer=dict(state={}),
    )
    torch.save(content, path)
    path.with_name('nice_model.py').touch()
    for number in (1, 2):  # resumed once
        log = path.parent / f'2026_{number}' / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(json.dumps(dict(loss=1 / 3 / number, step=number)) + '\n')
    return path


def test_published(checkpoint, tmp_path, capsys):
    assert tool['main']([str(checkpoint), str(tmp_path / 'out')]) == 0
    target = tmp_path / 'out' / 'nice_model.safetensors'
    said = capsys.readouterr().out
    assert hashlib.sha256(target.read_bytes()).hexdigest() in said
    found, source = load_from_local(str(target)), torch.load(checkpoint)['state_dict']
    assert set(found) == set(source)
    assert torch.equal(found['head.weight'], source['head.weight'])
    with safe_open(str(target), 'pt') as file:
        assert file.metadata() == dict(training='{"epoch": 2, "seed": 1}')
    log = target.with_suffix('.jsonl').read_text().splitlines()
    assert log == ['{"loss": 0.33333, "step": 1.0}', '{"loss": 0.16667, "step": 2.0}']


def test_results_of_seeds(checkpoint, tmp_path, capsys):
    def said(metrics, *keys):
        content = dict(summary={'qvhighlights/test.jsonl': metrics}, seeds={0: 1, 1: 1})
        (tmp_path / 'seeds.json').write_text(json.dumps(content))
        options = ['--metrics', *keys] if keys else []
        code = tool['main']([str(checkpoint), str(tmp_path / 'out'), *options])
        return code, ''.join(capsys.readouterr())

    last = dict(mAP=dict(mean=12.34, std=0.56), other=dict(mean=1.0, std=None))
    best = dict(mAP=dict(mean=13.0, std=0.1))
    code, text = said(dict(last=last, best=best), 'm=mAP')
    assert code == 0 and 'test, last epoch, 2 seeds' in text
    assert 'm: 12.3 ± 0.6' in text and 'm: 13.0 ± 0.1' in text
    code, text = said(dict(last=best, best=best), 'm=mAP')
    assert 'test, last and best epoch, 2 seeds' in text and text.count('m: 13.0') == 1
    with pytest.raises(SystemExit, match="no 'mAP@1', but mAP, other"):
        said(dict(last=last), 'm=mAP@1')
    assert 'Results' not in said(dict(last=last))[1]


def test_what_is_no_training_is_refused(checkpoint, tmp_path):
    lost = tmp_path / 'epoch_2.pth'
    shutil.copy(checkpoint, lost)
    with pytest.raises(SystemExit, match='say --name'):
        tool['main']([str(lost), str(tmp_path)])
    torch.save(dict(weight=torch.ones(1)), lost)
    with pytest.raises(SystemExit, match='no checkpoint of a training'):
        tool['main']([str(lost), str(tmp_path), '--name', 'x'])
    assert not (tmp_path / 'x.safetensors').exists()
