"""Moments asked for with parts of queries, by the tool that users run."""

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvtg.registry import MODELS

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'query_views.py'
CONFIG = ROOT / 'configs' / 'mmn' / 'mmn_tiny-clip-slowfast_1xb4-12e_moving-shapes.py'
PARSES = {
    'a ball rises': ['a ball', 'rises'],
    'the box spins': ['the box', 'spins'],
    'a star': ['a star', ''],
}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Three queries, of which one has nothing but a noun chunk."""
    root = tmp_path / 'moving_shapes' / 'demo'
    for store in ('tiny_clip_vid_k4', 'slowfast'):
        (root / 'features' / store).mkdir(parents=True)
    (root / 'qvhighlights').mkdir()
    rng = np.random.default_rng(0)
    lines = []
    for index, query in enumerate(PARSES):
        rows = rng.normal(size=(30, 1, 1, 128)).astype(np.float16)
        np.save(root / 'features' / 'tiny_clip_vid_k4' / f'v{index}.npy', rows)
        motion = rng.normal(size=(30, 96)).astype(np.float16)
        np.save(root / 'features' / 'slowfast' / f'v{index}.npy', motion)
        item = dict(qid=index, vid=f'v{index}', query=query, duration=30)
        lines.append(json.dumps(dict(item, relevant_windows=[[2, 26]])))
    (root / 'qvhighlights' / 'test.jsonl').write_text('\n'.join(lines))
    content = dict(parser='by hand', parses=PARSES)
    (tmp_path / 'parses.json').write_text(json.dumps(content))
    monkeypatch.setenv('MMVTG_DATA', str(tmp_path))
    return tmp_path


def test_views_of_several_checkpoints(world, monkeypatch, capsys):
    cfg, paths = Config.fromfile(str(CONFIG)), []
    for seed in range(2):
        torch.manual_seed(seed)
        paths.append(str(world / f'{seed}.pth'))
        torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), paths[-1])
    out = str(world / 'views.json')
    parses = str(world / 'parses.json')
    arguments = [str(CONFIG), *paths, '--parses', parses, '--out', out]
    monkeypatch.setattr(sys, 'argv', ['query_views.py', *arguments])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(TOOL), run_name='__main__')
    assert stop.value.code == 0
    found = json.loads(Path(out).read_text())
    assert list(found) == ['full', 'static', 'dynamic']
    for values in found.values():
        assert values['queries'] == [2, 2]
        assert all(0 <= v <= 100 for v in values['mIoU'])
    # another query, another answer
    assert found['full']['mIoU'] != found['dynamic']['mIoU']
    table = capsys.readouterr().out
    assert '2 queries with both parts' in table and '±' in table


def test_models_on_stored_queries_are_named():
    insert = runpy.run_path(str(TOOL))['insert_split']
    with pytest.raises(ValueError, match='TokenizeQuery'):
        insert([dict(type='LoadStoredFeatures')], 'static', None)
    twice = [dict(type='SplitQuery'), dict(type='TokenizeQuery')]
    steps = insert(twice, 'static', None)
    assert [step['type'] for step in steps] == ['SplitQuery', 'TokenizeQuery']
    assert steps[0]['view'] == 'static'


def test_others_ask_what_another_video_is_asked():
    tool = runpy.run_path(str(TOOL))
    samples = [SimpleNamespace(metainfo=dict(video_id=name)) for name in 'aabc']
    batch = dict(inputs=dict(video=[0], query=[10, 11, 20, 30]), data_samples=samples)
    exchanged = tool['exchange_queries'](batch)
    assert exchanged['inputs']['query'] == [20, 20, 30, 10]
    assert exchanged['inputs']['video'] == [0]
    alone = dict(inputs=dict(query=[10]), data_samples=samples[:1])
    assert tool['exchange_queries'](alone)['inputs']['query'] == [10]
