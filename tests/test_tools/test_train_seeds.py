"""Several seeds of a config: trained, tested, summed up, and not done twice."""

import json
import runpy
from pathlib import Path

import pytest
from tiny_world import CONFIG, SHORT, environment

TOOL = Path(__file__).parents[2] / 'tools' / 'train_seeds.py'
tool = runpy.run_path(str(TOOL))
FILES = ['qvhighlights/test.jsonl', 'qvhighlights/val.jsonl']


def call(monkeypatch, world, out, *more):
    for key, value in environment(world).items():
        monkeypatch.setenv(key, value)
    options = [*SHORT, 'train_cfg.max_epochs=2']
    arguments = [CONFIG, '--seeds', '0', '1', '--jobs', '2', '--work-dir', str(out)]
    tool['main']([*arguments, *more, '--cfg-options', *options])
    return json.loads((out / 'seeds.json').read_text())


def test_two_seeds(world, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(TOOL.parents[1])
    out = tmp_path / 'runs'
    found = call(monkeypatch, world, out, '--ann-files', FILES[0], '--metrics', '*mAP')
    ours = found['summary'][FILES[0]]
    assert set(ours) == {'last', 'best'}
    values = [
        found['seeds'][seed][FILES[0]]['last']['MR-full-mAP'] for seed in ('0', '1')
    ]
    assert ours['last']['MR-full-mAP']['mean'] == pytest.approx(sum(values) / 2)
    deviation = abs(values[0] - values[1]) / 2**0.5
    assert ours['last']['MR-full-mAP']['std'] == pytest.approx(deviation)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('| 2 seeds | epoch | ') and 'R1@0.5' not in lines[0]
    assert len(lines) == 4 and (out / 'seeds.md').read_text().splitlines() == lines
    # a second call trains nothing, and tests what is new
    trained = {path: path.stat().st_mtime for path in out.glob('seed_*/epoch_2.pth')}
    assert len(trained) == 2
    found = call(monkeypatch, world, out, '--ann-files', *FILES)
    assert set(found['summary']) == set(FILES)
    assert {path: path.stat().st_mtime for path in trained} == trained


def test_unknown_metric():
    summary = {'test.jsonl': {'last': {'mAP': dict(mean=1.0, std=None)}}}
    assert '| test.jsonl | last | 1.00 |' in tool['table'](summary, ['m*'], 1)
    with pytest.raises(ValueError, match='no such metric'):
        tool['table'](summary, ['R1'], 1)


def test_a_failed_training_says_where(tmp_path):
    config = tmp_path / 'broken.py'
    config.write_text('test_dataloader = dict(dataset=dict(ann_file="a.jsonl"))\n')
    with pytest.raises(SystemExit, match=r'train.py failed, see .*train\.out'):
        tool['main']([str(config), '--work-dir', str(tmp_path / 'out')])
