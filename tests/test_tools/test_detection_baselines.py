"""Baselines of detection that do not watch for actions."""

import json
import runpy
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

ROOT = Path(__file__).parents[2]
tool = runpy.run_path(str(ROOT / 'tools/analysis_tools/detection_baselines.py'))
CONFIG = ROOT / 'configs/stale/b-i_tiny-clip_1xb32-20e_moving-shapes.py'


def make_config(root):
    """Videos of 20 s; in each one thing happens in the first quarter, as a rule."""
    rng = np.random.default_rng(0)
    database = {}
    for index in range(8):
        subset, label = ('training', 'red_star') if index < 5 else ('testing', 'x_y')
        start = 0.0 if index % 4 else 10.0
        item = dict(label=label, segment=[start, start + 5])
        database[f'v{index}'] = dict(duration=20.0, subset=subset, annotations=[item])
        np.save(root / f'v{index}.npy', rng.normal(size=(20, 96)))
    (root / 'a.json').write_text(json.dumps(dict(database=database)))
    cfg = Config.fromfile(str(CONFIG))
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.update(
            data_root=str(root), ann_file='a.json', data_prefix=dict(video='')
        )
    cfg.train_dataloader.dataset.update(classes=['red_star'], unseen=['x_y', 'z'])
    cfg.test_dataloader.dataset.classes = ['x_y', 'z']
    return cfg


def test_annotations_are_the_bound_and_the_prior_is_learned(tmp_path):
    found = tool['measure'](make_config(tmp_path), top_k=2)
    assert found['annotated | annotated'] == [100, 100, 100]
    assert found['whole video | annotated'][:2] == [0, 0]
    # most training videos, and all of the test, have it in the first quarter
    assert found['usual | annotated'][2] == 100
    assert found['usual | all'][0] <= found['usual | annotated'][0]


def test_segments_are_named_by_the_channels_that_texts_share():
    clips = torch.zeros(10, 6)
    clips[:5, 0] = clips[5:, 1] = 1
    clips[:, 3] = 9  # behind the width of the texts
    spans = torch.tensor([[0.0, 4.0], [12.0, 20.0]])
    share = tool['name_segments'](clips, spans, 20.0, torch.eye(3))
    assert share.argmax(1).tolist() == [0, 1]
    torch.testing.assert_close(share.sum(1), torch.ones(2))


def test_what_detections_lose_to_names_and_to_scores(tmp_path):
    truth = [('v', 0, 0.0, 4.0, 1.0), ('v', 1, 10.0, 14.0, 1.0)]
    found = dict(
        v=[
            dict(label=1, segment=[0, 4], score=0.3),
            dict(label=1, segment=[9.5, 14], score=0.2),
            dict(label=1, segment=[6, 8], score=0.9),
        ]
    )
    path = tmp_path / 'detections.json'
    path.write_text(json.dumps(dict(results=found)))
    ways = tool['of_file'](str(path), truth)
    assert [row[1] for row in ways['found | found']] == [1, 1, 1]
    # one that touches none keeps the first
    assert [row[1] for row in ways['found | nearest annotation']] == [0, 1, 0]
    scores = [row[4] for row in ways['found, scored by overlap | found']]
    assert scores == [1.0, 4 / 4.5, 0.0]
