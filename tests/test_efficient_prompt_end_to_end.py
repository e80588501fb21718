"""Efficient-Prompt from rendered videos to metrics, each task through the runner."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from mmvtg.datasets.moving_shapes import generate
from mmvtg.extraction.jobs import Job, run_here
from mmvtg.extraction.work_list import list_videos, parse_shard
from mmvtg.utils.launch import load_config

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / 'configs' / 'efficient_prompt'
COUNTS = dict(train=6, val=1, test=3, novel_composition=0, novel_word=0)
SMALL = '_tiny-clip_1xb32-20e_moving-shapes.py'
STORES = dict(tiny_clip_frames=4.0, tiny_clip=1.0)


@pytest.fixture(scope='module', autouse=True)
def world(tmp_path_factory):
    """Rendered videos with their annotations, and two stores of features."""
    data = tmp_path_factory.mktemp('data')
    root = data / 'moving_shapes' / 'tiny'
    generate(root, num_workers=0, progress=False, counts=COUNTS, trimmed_clips=False)
    tower = dict(type='CLIPVisionTower', model='tiny-clip', pretrained='shipped')
    settings = dict(vision_tower=tower, frame_size=64, num_workers=0)
    jobs = [
        Job(
            'video',
            str(root / 'features' / name),
            [(video, path, fps) for video, path in list_videos(str(root / 'videos'))],
            settings,
            fps=fps,
        )
        for name, fps in STORES.items()
    ]
    run_here(jobs, parse_shard(None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('MMVTG_DATA', str(data))
        patch.setenv('MOVING_SHAPES', 'tiny')
        yield root


def small_config(name, work):
    """A config of the repository, one epoch in batches of four."""
    cfg = load_config(str(CONFIGS / name))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        if loader is None:
            continue
        loader.update(batch_size=4, num_workers=0, persistent_workers=False)
        if loader.dataset.type == 'RecognitionDataset':
            loader.dataset.allow_empty_classes = True  # so few videos
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', interval=1)
    cfg.work_dir = str(work)
    cfg.experiment_name = work.name
    return cfg


def train_and_test(cfg):
    """Metrics of a trained model; what was frozen is as before, the rest is not."""
    runner = Runner.from_cfg(cfg)
    before = {name: p.clone() for name, p in runner.model.named_parameters()}
    runner.train()
    for name, parameter in runner.model.named_parameters():
        assert torch.equal(parameter, before[name]) != parameter.requires_grad, name
    metrics = runner.test()
    assert all(np.isfinite(value) for value in metrics.values())
    return metrics


def test_recognition(tmp_path):
    cfg = small_config(f'efficient-prompt-temporal{SMALL}', tmp_path / 'learned')
    metrics = train_and_test(cfg)
    assert 0 <= metrics['acc/top1'] <= metrics['acc/top5'] <= 1
    # the checkpoint is all that a later test needs
    cfg.work_dir, cfg.experiment_name = str(tmp_path / 'again'), 'again'
    cfg.load_from = str(tmp_path / 'learned' / 'epoch_1.pth')
    assert Runner.from_cfg(cfg).test()['acc/top1'] == metrics['acc/top1']


def from_videos(cfg):
    """The config with frames decoded and encoded while it runs."""
    cfg.model.vision_tower = cfg.encoding.streams.video.tower
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        dataset = loader.dataset
        dataset.data_prefix = dict(video='videos')
        dataset.file_names = dict(video='{path}.mp4')
        dataset.indices = 4
        dataset.pipeline[0].update(type='DrawVideoFrames', fps=4.0, size=64)
    return cfg


def test_an_iteration_of_recognition_from_videos(tmp_path):
    name = f'efficient-prompt-temporal{SMALL}'
    metrics = train_and_test(from_videos(small_config(name, tmp_path / 'decoded')))
    assert 'acc/top1' in metrics


def test_videos_and_stored_features_are_the_same(tmp_path):
    name = 'hand-written_tiny-clip_moving-shapes.py'
    stored = small_config(name, tmp_path / 'stored')
    stored.test_dataloader.dataset.indices = 4
    scores = []
    for cfg in (stored, from_videos(small_config(name, tmp_path / 'decoded'))):
        runner = Runner.from_cfg(cfg)
        (batch,) = list(runner.test_dataloader)
        runner.model.set_classes(runner.test_dataloader.dataset.metainfo['classes'])
        with torch.no_grad():
            results = runner.model.eval().test_step(batch)
        scores.append(torch.stack([sample.pred_score for sample in results]))
    assert scores[0].shape == (4, 10)
    assert torch.allclose(*scores, atol=2e-3)  # stores hold half precision


@pytest.mark.parametrize('kind', ['', '-no-temporal'])
def test_retrieval(tmp_path, kind):
    cfg = small_config(f'efficient-prompt{kind}-retrieval{SMALL}', tmp_path / 'work')
    metrics = train_and_test(cfg)
    for way in ('text_to_video', 'video_to_text'):
        ranks = [metrics[f'retrieval/{way}_R@{k}'] for k in (1, 5, 10)]
        assert ranks == sorted(ranks) and ranks[1] == 100  # of three
        assert 1 <= metrics[f'retrieval/{way}_MdR'] <= 3
    assert metrics['retrieval/videos'] == metrics['retrieval/texts'] == 3


def read_segments(path):
    """{video: [(start s, end s, label, score)]} of a results file."""
    results = json.loads(Path(path).read_text())['results']
    return {
        video: [(*row['segment'], row['label'], row['score']) for row in rows]
        for video, rows in results.items()
    }


def test_localisation_in_two_stages(tmp_path):
    first = tmp_path / 'first'
    cfg = small_config(f'efficient-prompt-proposals-closed-set{SMALL}', first)
    metrics = train_and_test(cfg)
    assert 0 <= metrics['AR@100'] <= 100
    proposals = read_segments(first / 'proposals.json')
    assert len(proposals) == 3 and all(proposals.values())
    assert {row[2] for rows in proposals.values() for row in rows} == {0}

    second = tmp_path / 'second'
    cfg = small_config(f'efficient-prompt-localisation-closed-set{SMALL}', second)
    cfg.model.head.proposals = str(first / 'proposals.json')
    metrics = train_and_test(cfg)
    assert {'mAP', 'mAP@0.5'} <= set(metrics)
    named = read_segments(second / 'detections.json')
    for video, rows in named.items():
        known = np.array([row[:2] for row in proposals[video]])
        found = np.array([row[:2] for row in rows])
        near = np.abs(found[:, None] - known).max(-1).min(1)
        assert near.max() < 1e-3  # no segment but those proposed
        assert {row[2] for row in rows} <= set(range(10))
    # proposals of two moments of a video are not all named the same
    assert len({row[2] for rows in named.values() for row in rows}) > 1
