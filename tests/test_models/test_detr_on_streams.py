"""From feature files as authors publish them to a training step."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmvtg.registry import DATASETS, MODELS
from mmvtg.utils.launch import load_config

ROOT = Path(__file__).parents[2]
WIDTHS = dict(slowfast_features=2304, clip_features=512, pann_features=2048)


@pytest.fixture
def qvhighlights(tmp_path, line):
    """Two videos with SlowFast, CLIP and PANN features."""
    rng = np.random.default_rng(0)
    for folder in (*WIDTHS, 'clip_text_features'):
        (tmp_path / folder).mkdir()
    lines = [line(0), line(1)]
    for sample in lines:
        for folder, width in WIDTHS.items():
            array = rng.normal(size=(20, width)).astype(np.float32)
            if folder == 'pann_features':
                np.save(tmp_path / folder / f'{sample["vid"]}.npy', array)
            else:
                np.savez(tmp_path / folder / f'{sample["vid"]}.npz', features=array)
        words = rng.normal(size=(7, 512)).astype(np.float32)
        path = tmp_path / 'clip_text_features' / f'qid{sample["qid"]}.npz'
        np.savez(path, last_hidden_state=words)
    text = ''.join(json.dumps(sample) + '\n' for sample in lines)
    (tmp_path / 'highlight_train_release.jsonl').write_text(text)
    return tmp_path


CONFIGS = [
    *ROOT.glob('configs/*_detr/*_clip_*_qvhighlights.py'),
    *ROOT.glob('configs/*_detr/*_clip-slowfast*_qvhighlights.py'),
]


@pytest.mark.parametrize('path', sorted(CONFIGS), ids=lambda path: path.stem)
def test_published_features_train(path, qvhighlights):
    init_default_scope('mmvtg')
    config = load_config(str(path))
    settings = config.train_dataloader.dataset
    settings.data_root = str(qvhighlights)
    dataset = DATASETS.build(settings)
    assert len(dataset) == 2
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    batch = pseudo_collate([dataset[0], dataset[1]])
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    assert sum(losses.values()).isfinite()
    # the neck sees unit streams, and the endpoints once a stream with one of its own
    clips = batch['inputs']['video'][0].flatten(1)
    tef = model.neck.inputs.use_tef
    widths = model.neck.inputs.streams
    assert clips.shape == (20, sum(widths))
    audio = 'pann' in path.stem
    assert tef is audio and len(widths) == 1 + audio
