"""Each DETR-like method: trained and tested by Runner, then asked about a raw video."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner
from tiny_world import ROOT

from mmvtg.apis import VTGInferencer
from mmvtg.utils.launch import load_config

METHODS = ('moment_detr', 'qd_detr', 'tr_detr', 'univtg')


def short_config(method: str, work_dir: Path):
    path = next((ROOT / 'configs' / method).glob('*moving-shapes.py'))
    cfg = load_config(str(path))
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].update(num_workers=0, persistent_workers=False)
    cfg.train_dataloader.batch_size = 4
    cfg.train_cfg.update(max_epochs=2, val_interval=2)
    cfg.work_dir = str(work_dir)
    return path, cfg


@pytest.mark.parametrize('method', METHODS)
def test_trains_tests_and_answers_for_a_raw_video(world, tmp_path, monkeypatch, method):
    monkeypatch.setenv('MMVTG_DATA', str(world))
    monkeypatch.setenv('MOVING_SHAPES', 'tiny')
    path, cfg = short_config(method, tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    metrics = runner.test()
    assert 0 <= metrics['MR-full-mAP'] <= 100 and 'HL-min-Fair-mAP' in metrics
    scalars = next(tmp_path.glob('*/vis_data/scalars.json')).read_text()
    losses = [json.loads(line).get('loss') for line in scalars.splitlines()]
    losses = [loss for loss in losses if loss is not None]
    assert losses[-1] < losses[0]

    stored = next(tmp_path.rglob('submission.jsonl')).read_text().splitlines()
    line = json.loads(stored[0])
    folder = world / 'moving_shapes' / 'tiny'
    inferencer = VTGInferencer(str(path), str(tmp_path / 'epoch_2.pth'), 'cpu')
    video = str(folder / 'videos' / f'{line["vid"]}.mp4')
    answer = inferencer(video, line['query'])['predictions'][0]
    got = torch.tensor(answer['moments'])
    expected = torch.tensor(line['pred_relevant_windows'])
    assert torch.allclose(got, expected, atol=2e-3)
