"""A checkpoint knows its features, and no inferencer answers from other ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mmvtg.apis import VTGInferencer
from mmvtg.datasets.errors import BadSampleError
from mmvtg.engine.loading import features_record
from mmvtg.extraction import FeatureExtractor
from mmvtg.registry import DATASETS, MODELS
from mmvtg.utils.launch import load_config

ROOT = Path(__file__).parents[2]
UNIVTG = str(ROOT / 'configs/actprompt/univtg_tiny-clip_1xb16-8e_moving-shapes.py')
TINY = dict(model='tiny-clip', pretrained='shipped')


@pytest.fixture
def world(write_video, tmp_path, monkeypatch):
    """A video, its features by the frozen tower, and a data set of it."""
    values = np.random.default_rng(0).integers(0, 255, (40, 3)).astype(np.uint8)
    path = str(write_video(values))
    root = tmp_path / 'moving_shapes' / 'tiny'
    monkeypatch.setenv('MMVTG_DATA', str(tmp_path))
    monkeypatch.setenv('MOVING_SHAPES', 'tiny')
    tower = dict(type='CLIPVisionTower', **TINY)
    extractor = FeatureExtractor(tower, frame_size=64, fps=1.0, num_workers=0)
    clips = root / 'features' / 'tiny_clip'
    extractor.extract_videos([('v', path)], str(clips), progress=False)
    text = dict(type='CLIPTextTower', hooks=[dict(type='LayerTap', num_layers=1)])
    extractor = FeatureExtractor(text_tower={**text, **TINY})
    words = root / 'features' / 'tiny_clip_txt'
    extractor.extract_queries([(0, 'a star stops')], str(words), progress=False)
    folder = root / 'qvhighlights'
    folder.mkdir()
    line = '{"qid": 0, "query": "a star stops", "vid": "v", "duration": 40}\n'
    (folder / 'test.jsonl').write_text(line)
    return path


def checkpoint_of(cfg, path: str) -> str:
    """What a training on the test set would write."""
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=dataset.metainfo)), path)
    return path


def test_a_checkpoint_records_the_features_it_was_trained_on(world, tmp_path):
    cfg = load_config(UNIVTG)
    weights = checkpoint_of(cfg, str(tmp_path / 'w.pth'))
    record = features_record(weights)
    assert set(record) == {'video', 'query'}
    assert record['video']['model'] == 'tiny-clip'
    assert record['video']['sampling'] == 'start' and record['video']['hooks'] == []
    (prediction,) = VTGInferencer(cfg, weights, 'cpu')(world, 'a star')['predictions']
    assert prediction['duration'] == 40


@pytest.mark.parametrize(
    'change, words',
    [
        ({'streams.video.sampling': 'middle'}, ['sampling', "'start'", "'middle'"]),
        ({'streams.video.tower.mean': [0.1, 0.1, 0.1]}, ['mean', '0.48', '0.1']),
        (
            {
                'streams.video.tower.hooks': [
                    dict(type='VisualPrompt', width=128, num_layers=6, num_prompts=2)
                ]
            },
            ['hooks: [] / ', 'VisualPrompt', 'weights_sha256'],
        ),
        ({'query.tower.project_words': False}, ['query', 'words', 'not projected']),
    ],
)
def test_towers_that_make_other_features_are_refused(world, tmp_path, change, words):
    weights = checkpoint_of(load_config(UNIVTG), str(tmp_path / 'w.pth'))
    options = {f'encoding.{key}': value for key, value in change.items()}
    with pytest.raises(
        ValueError, match='the checkpoint was trained on other'
    ) as error:
        VTGInferencer(load_config(UNIVTG, options), weights, 'cpu')
    assert all(word in str(error.value) for word in words), error.value
    # the same of a published file
    state = torch.load(weights)['state_dict']
    record = dict(features=features_record(weights))
    published = str(tmp_path / 'w.safetensors')
    save_file(state, published, metadata=dict(training=json.dumps(record)))
    with pytest.raises(ValueError, match='the checkpoint was trained on other'):
        VTGInferencer(load_config(UNIVTG, options), published, 'cpu')


def test_another_clip_rate_is_refused_unless_it_is_asked_for(world, tmp_path):
    weights = checkpoint_of(load_config(UNIVTG), str(tmp_path / 'w.pth'))
    with pytest.raises(ValueError, match=r'fps: 1\.0 / 2\.0'):
        VTGInferencer(load_config(UNIVTG, {'encoding.fps': 2.0}), weights, 'cpu')
    assert VTGInferencer(load_config(UNIVTG), weights, 'cpu', fps=2.0).fps == 2


def test_a_data_set_refuses_a_store_of_another_sampling_or_tower(world):
    for options, words in (
        ({'streams.video.sampling': 'middle'}, ("'start'", "'middle'")),
        ({'streams.video.frame_size': 32}, ('64', '32')),
        (
            {'streams.video.tower.hooks': [dict(type='VisualPrompt')]},
            ('hooks', 'VisualPrompt'),
        ),
    ):
        cfg = load_config(UNIVTG, {f'encoding.{k}': v for k, v in options.items()})
        with pytest.raises(BadSampleError) as error:
            DATASETS.build(cfg.test_dataloader.dataset)
        assert all(word in str(error.value) for word in words), error.value
