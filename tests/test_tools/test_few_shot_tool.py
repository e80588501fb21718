"""Few-shot trials, recognition and sub-words, run by the tools that users run."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs' / 'efficient_prompt'
CLASSES = ['rise', 'sink', 'spin', 'blink', 'grow', 'shake']
OPTIONS = [
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
    'train_cfg.max_epochs=1',
    "train_dataloader.dataset.classes=['rise','sink','spin','blink','grow','shake']",
    "test_dataloader.dataset.classes=['rise','sink','spin','blink','grow','shake']",
]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Six classes, seven videos each, whose features tell the class."""
    root = tmp_path / 'moving_shapes' / 'demo'
    features = root / 'features' / 'tiny_clip_frames'
    (root / 'recognition').mkdir(parents=True)
    features.mkdir(parents=True)
    rng = np.random.default_rng(0)
    centres, lines = 3 * rng.normal(size=(6, 96)), []
    for label, name in enumerate(CLASSES):
        for index in range(7):
            rows = centres[label] + rng.normal(size=(40, 96))
            np.save(features / f'{name}{index}.npy', rows.astype(np.float16))
            lines.append(f'{name}{index} 1 9 {name}')
    for split in ('train', 'val', 'test'):
        (root / 'recognition' / f'{split}.txt').write_text('\n'.join(lines))
    monkeypatch.setenv('MMVTG_DATA', str(tmp_path))
    monkeypatch.setenv('MOVING_SHAPES', 'demo')
    monkeypatch.chdir(ROOT)
    return tmp_path


def run(monkeypatch, script, *args):
    monkeypatch.setattr(sys, 'argv', [script, *map(str, args)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / 'tools' / script), run_name='__main__')
    assert stop.value.code == 0


def test_trials_are_run_summed_up_and_resumed(world, monkeypatch, capsys):
    config = (
        CONFIGS / 'efficient-prompt-5-shot-5-way_tiny-clip_1xb25-50e_moving-shapes.py'
    )
    work = world / 'work'
    options = ['--work-dir', work, '--cfg-options', *OPTIONS]
    run(monkeypatch, 'few_shot.py', config, '--trials', 1, *options)
    first = json.loads((work / 'few_shot.json').read_text())['trials']
    run(monkeypatch, 'few_shot.py', config, '--trials', 2, *options)
    content = json.loads((work / 'few_shot.json').read_text())
    assert content['trials'][:1] == first and len(content['trials']) == 2
    values = [trial['acc/top1'] for trial in content['trials']]
    assert content['summary']['acc/top1']['mean'] == pytest.approx(np.mean(values))
    assert content['trials'][0]['acc/top5'] == 1  # five ways
    assert '2 trials' in capsys.readouterr().out


def test_what_features_tell_of_actions(world, monkeypatch, capsys):
    config = CONFIGS / 'efficient-prompt_tiny-clip_1xb32-20e_moving-shapes.py'
    classes = f'{{}}_dataloader.dataset.classes={CLASSES}'.replace(' ', '')
    options = [classes.format(split) for split in ('train', 'val', 'test')]
    tool, merge = 'analysis_tools/probe_time.py', ['--merge', 'rise', 'sink']
    run(monkeypatch, tool, config, *merge, '--cfg-options', *options)
    lines = capsys.readouterr().out.splitlines()
    rows = {line[:30].strip(): line[30:].split() for line in lines if '%' in line}
    assert len(rows) == 6
    # features of the world tell classes by their mean, and change by chance
    assert rows['mean'] == ['100.0%', '100.0%']
    assert rows['the most frequent class'] == ['16.7%', '33.3%']
    values = [float(row[0][:-1]) for row in rows.values()]
    assert min(values) < 60


def test_sub_words_of_learned_vectors(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    tool = runpy.run_path(str(ROOT / 'tools' / 'analysis_tools' / 'prompt_words.py'))
    table = torch.randn(50, 8)
    values, ids = tool['nearest_tokens'](table[[7, 3]] + 0.01, table, 2)
    assert ids[:, 0].tolist() == [7, 3] and (values[:, 0] < values[:, 1]).all()
    values, ids = tool['nearest_tokens'](2 * table[[7, 3]], table, 2, cosine=True)
    assert ids[:, 0].tolist() == [7, 3]
    assert values[:, 0].tolist() == pytest.approx([1, 1], abs=1e-5)

    from mmengine.config import Config

    from mmvtg.registry import MODELS

    config = CONFIGS / 'efficient-prompt_tiny-clip_1xb32-20e_moving-shapes.py'
    model = MODELS.build(Config.fromfile(str(config)).model)
    tower = model.classifier.text_tower
    with torch.no_grad():
        tower.hooks[0].embedding.weight[0] = tower.clip.token_embedding.weight[320]
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    run(monkeypatch, 'analysis_tools/prompt_words.py', config, path, '--count', 2)
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 16
    assert 'before' in lines[0] and 'after' in lines[15] and 'a_ 0.000' in lines[0]
