"""Videos, stretches of them and names of classes in, a ranking out."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmvtg.apis import ActionRecognitionInferencer
from mmvtg.apis.model_loading import test_dataset as dataset_of
from mmvtg.datasets.errors import BadSampleError
from mmvtg.registry import DATASETS
from mmvtg.utils.launch import load_config

CONFIGS = Path(__file__).parents[2] / 'configs' / 'efficient_prompt'
HAND = 'hand-written_tiny-clip_moving-shapes'
SENTENCES = 'hand-written-sentences_tiny-clip_moving-shapes'
PROMPT = 'efficient-prompt-temporal_tiny-clip_1xb32-20e_moving-shapes'
PROBE = 'linear-probe_tiny-clip_1xb32-20e_moving-shapes'


@pytest.fixture
def ask(action_world) -> ActionRecognitionInferencer:
    """Nothing of this model is learned: it wants no weights."""
    return ActionRecognitionInferencer(HAND, device='cpu')


@pytest.fixture
def video(action_world) -> str:
    return str(action_world / 'videos' / 'test_00000.mp4')


def test_classes_are_words_of_the_user(ask, video):
    results = ask(video, ['sliding to the left', 'slide_right', 'growing'])
    assert set(results) == {'predictions', 'visualization', 'failed'}
    (prediction,) = results['predictions']
    assert prediction['video'] == video and prediction['segment'] is None
    names = [name for _, name in prediction['classes']]
    assert sorted(names) == ['growing', 'slide_right', 'sliding to the left']
    scores = [score for score, _ in prediction['classes']]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-5)
    again = ask(video, names)['predictions'][0]['classes']
    assert [name for _, name in again] == names


def test_the_classes_of_the_config_are_the_default(ask, video):
    names = [name for _, name in ask(video)['predictions'][0]['classes']]
    assert len(names) == 10 and 'slide left' in names
    ask = ActionRecognitionInferencer(SENTENCES, device='cpu')
    names = [name for _, name in ask(video)['predictions'][0]['classes']]
    assert 'sliding to the left' in names


@pytest.mark.parametrize('name', [HAND, PROMPT, PROBE])
def test_a_raw_video_gives_what_stored_features_give(name, action_world, drawn_weights):
    """The scores are those of the config's test set, to the last bit."""
    cfg = load_config(str(CONFIGS / f'{name}.py'))
    ask = ActionRecognitionInferencer(cfg, drawn_weights(cfg), 'cpu')
    settings = dict(dataset_of(cfg), allow_empty_classes=True)
    dataset = DATASETS.build(settings)
    assert len(dataset) > 5
    ask.model.set_classes(dataset.metainfo['classes'])
    different = []
    for index in range(6):
        info = dataset.get_data_info(index)
        batch = pseudo_collate([dataset[index]])
        with torch.no_grad():
            stored = ask.model.test_step(batch)[0].pred_score
        path = action_world / 'videos' / f'{info["video_id"].split()[0]}.mp4'
        results = ask(str(path), segments=info['window'], return_datasamples=True)
        (sample,) = results['predictions']
        assert torch.equal(sample.pred_score, stored)
        different.append(stored)
    assert not all(torch.equal(row, different[0]) for row in different)


def test_segments_of_all_and_of_each(ask, video, tmp_path):
    other = video.replace('00000', '00001')
    out = tmp_path / 'all.json'
    names = ['rise', 'sink']
    whole, part = (
        ask([video, other], names, segments, pred_out_file=str(out))['predictions']
        for segments in ([None, [2, 6.5]], (2, 6.5))
    )
    assert json.loads(out.read_text()) == part
    assert [p['segment'] for p in whole] == [None, [2, 6.5]]
    assert whole[1] == part[1] and whole[0]['classes'] != part[0]['classes']


def test_models_that_decode_themselves(action_world, video, ask):
    cfg = load_config(str(CONFIGS / f'{HAND}.py'))
    cfg.model.vision_tower = cfg.encoding.streams.video.tower
    cfg.encoding = None
    step = cfg.test_dataloader.dataset.pipeline[0]
    step.update(type='DrawVideoFrames', fps=4.0, size=64)
    decodes = ActionRecognitionInferencer(cfg, device='cpu')
    scores = [
        one(video, ['rise', 'sink'], return_datasamples=True)['predictions'][0]
        for one in (ask, decodes)
    ]
    # stores hold half precision
    assert np.allclose(scores[0].pred_score, scores[1].pred_score, atol=2e-3)


def test_a_linear_probe_knows_no_other_classes(action_world, video):
    ask = ActionRecognitionInferencer(PROBE, 'random', 'cpu')
    (answer,) = ask(video)['predictions']
    names = ['slide_left', 'slide_right', 'rise', 'sink', 'grow', 'shrink', 'spin']
    names += ['blink', 'bounce', 'shake']
    same = ask(video, names)['predictions'][0]['classes']
    assert [score for score, _ in same] == [score for score, _ in answer['classes']]
    with pytest.raises(ValueError, match='a linear probe knows no names.*slide left'):
        ask(video, ['jump', *names[1:]])


@pytest.mark.parametrize(
    'segments, message',
    [
        ((5, 2), r'segments\[0\] is \(5, 2\): want \[start, end\]'),
        ([(1, 2), (2, 3)], 'for 1 videos: want'),
        ([(-1, 2)], r'segments\[0\] is \(-1, 2\)'),
        ('all', "segments is 'all'"),
        ((900, 910), r'ends at \d+ s, before the segment \[900.0, 910.0\] begins'),
    ],
)
def test_segments_that_cannot_be_asked(ask, video, segments, message):
    with pytest.raises(ValueError, match=message):
        ask(video, ['rise', 'sink'], segments)


def test_what_cannot_be_asked(ask, video, tmp_path):
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(BadSampleError, match='cannot be opened'):
        ask([video, str(tmp_path / 'bad.mp4')], ['rise', 'sink'], on_error='raise')
    with pytest.raises(ValueError, match="'rise' twice"):
        ask(video, ['rise', 'rise'])
    with pytest.raises(ValueError, match='unknown argument.*out_dir'):
        ask(video, ['rise'], out_dir='x')
    untrained = PROMPT.replace('temporal', 'temporal-zero-shot')
    with pytest.raises(ValueError, match=f'{untrained} has no published weights'):
        ActionRecognitionInferencer(untrained)


def test_towers_and_pipelines_that_do_not_fit(action_world):
    cfg = load_config(str(CONFIGS / f'{HAND}.py'))
    cfg.encoding.streams.video.tower.hooks = [dict(type='LayerTap', layers=[0])]
    with pytest.raises(ValueError, match='one vector: use a tower without LayerTap'):
        video = str(action_world / 'videos' / 'test_00000.mp4')
        ActionRecognitionInferencer(cfg, device='cpu')(video)
    cfg.test_dataloader.dataset.pipeline.pop(0)
    with pytest.raises(ValueError, match='none of DrawStoredFrames, DrawVideoFrames'):
        ActionRecognitionInferencer(cfg, device='cpu')
