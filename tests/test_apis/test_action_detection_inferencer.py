"""Videos and names of classes in, segments out, as from stored features."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from bright_model import colours
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmvtg.apis import (
    ActionDetectionInferencer,
    ActionRecognitionInferencer,
    VideoRetrievalInferencer,
    VTGInferencer,
)
from mmvtg.datasets.errors import BadSampleError
from mmvtg.utils.launch import load_config

ROOT = Path(__file__).parents[2]
PLANTED = {'red': [(5, 9)], 'blue': [(0, 3), (20, 24)]}
GROUNDER = 'r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes'
STALE = 'stale_tiny-clip_1xb32-20e_moving-shapes'
PROMPT = 'efficient-prompt{}_tiny-clip_1xb32-20e_moving-shapes'


@pytest.fixture
def inferencer(detector_config) -> ActionDetectionInferencer:
    return ActionDetectionInferencer(detector_config, 'random', 'cpu')


@pytest.fixture
def video(write_video) -> str:
    return str(write_video(colours(PLANTED, 24, 1.0)))


def found(prediction: dict) -> list:
    rows = prediction['instances']
    return sorted((round(a, 3), round(b, 3), name) for a, b, _, name in rows)


def test_classes_are_words_of_the_user(inferencer, video):
    results = inferencer(video, ['blue', 'something red', 'VeryGreen'])
    assert set(results) == {'predictions', 'visualization', 'failed'}
    (prediction,) = results['predictions']
    assert prediction['video'] == video and prediction['duration'] == 24
    assert prediction['classes'] == ['blue', 'something red', 'VeryGreen']
    assert found(prediction) == [
        (0, 3, 'blue'),
        (5, 9, 'something red'),
        (20, 24, 'blue'),
    ]
    scores = [row[2] for row in prediction['instances']]
    assert scores == sorted(scores, reverse=True) and 0.5 < scores[-1] <= 1
    assert json.loads(json.dumps(prediction)) == prediction
    assert found(inferencer(video, 'red')['predictions'][0]) == [(5, 9, 'red')]
    assert sum(inferencer.streams.towers['video'].batches) == 24  # features are kept


def test_long_videos_in_windows(detector_config, write_video):
    planted = {'red': [(2, 5), (95, 105), (590, 600)], 'green': [(300, 309)]}
    path = str(write_video(colours(planted, 600, 1.0)))
    whole = ActionDetectionInferencer(detector_config, 'random', 'cpu')
    parts = ActionDetectionInferencer(detector_config, 'random', 'cpu', window=100)
    answers = [
        found(ask(path, ['red', 'green'], batch_size=4)['predictions'][0])
        for ask in (whole, parts)
    ]
    wanted = [(a, b, name) for name, rows in planted.items() for a, b in rows]
    assert answers == [sorted(wanted)] * 2
    assert whole.model.head.batches == [1]
    assert parts.model.head.batches == [4, 4, 3]


def test_windows_raise_the_limit_of_segments(detector_config, write_video):
    planted = {'red': [(10 * k, 10 * k + 4) for k in range(30)]}
    path = str(write_video(colours(planted, 300, 1.0)))
    counts = []
    for window in (None, 50):
        ask = ActionDetectionInferencer(detector_config, 'random', 'cpu', window=window)
        ask.model.head.candidates.nms['max_num'] = 8
        counts.append(len(ask(path, 'red')['predictions'][0]['instances']))
    assert counts == [8, 30]


def test_a_video_shrunk_too_far_is_told(detector_config, write_video):
    steps = [
        dict(type='LoadSnippets', num_snippets=4),
        dict(type='PackDetectionInputs'),
    ]
    loader = dict(dataset=dict(pipeline=steps))
    config = dict(detector_config, test_dataloader=loader)
    told = []
    logger = MMLogger.get_current_instance()
    for clips in (32, 40):
        path = str(write_video(colours({}, clips, 1.0)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(logger, 'warning', told.append)
            asker = ActionDetectionInferencer(config, 'random', 'cpu')
            asker(path, 'red')
    told = [line for line in told if 'snippets' in line]
    assert len(told) == 1 and '40 s as 4 snippets of 10.0 s' in told[0]


def test_two_stages(detector_config, video, tmp_path):
    first = dict(detector_config)
    first['model'] = dict(first['model'], head=dict(type='BrightHead'))
    first['model']['head']['reads_classes'] = False
    proposer = ActionDetectionInferencer(first, 'random', 'cpu')
    assert found(proposer(video)['predictions'][0]) == [
        (0, 3, 'action'),
        (5, 9, 'action'),
        (20, 24, 'action'),
    ]
    with pytest.raises(ValueError, match='leave classes out'):
        proposer(video, ['red'])
    head = dict(type='SegmentNamingHead', temperature=0.01)
    second = dict(first, model=dict(first['model'], head=head, embedding=None))
    second['model']['embedding'] = dict(type='TemporalTransformer', channels=3)
    second['model']['embedding'].update(num_layers=1, num_heads=1, max_frames=64)
    with pytest.raises(ValueError, match='give proposer'):
        ActionDetectionInferencer(second, 'random', 'cpu')
    ask = ActionDetectionInferencer(second, 'random', 'cpu', proposer=proposer)
    ask.model.embedding = None
    (answer,) = ask(video, ['red', 'blue'])['predictions']
    assert found(answer) == [(0, 3, 'blue'), (5, 9, 'red'), (20, 24, 'blue')]
    (tmp_path / 'bad.mp4').write_bytes(b'no video')  # ends the run of neither stage
    results = ask([str(tmp_path / 'bad.mp4'), video], ['red', 'blue'])
    assert results['predictions'] == [answer] and len(results['failed']) == 1


def test_files_are_written_where_asked(inferencer, video, tmp_path):
    out = tmp_path / 'out'
    results = inferencer(
        [video, video], ['red'], out_dir=str(out), pred_out_file=str(out / 'all.json')
    )
    names = [Path(path).name for path in results['visualization']]
    assert names == ['v_0.png', 'v_1.png']
    assert all((out / name).stat().st_size > 3000 for name in names)
    assert json.loads((out / 'all.json').read_text()) == results['predictions']
    (sample,) = inferencer(video, 'red', return_datasamples=True)['predictions']
    assert sample.pred_moments.spans.tolist() == [[5, 9]]


@pytest.mark.parametrize('name', [STALE, STALE.replace('stale_', 'b-i_')])
def test_a_raw_video_gives_what_stored_features_give(
    name, action_world, tmp_path, drawn_weights
):
    """What tools/test.py writes, and what is answered by the same weights."""
    cfg = load_config(str(ROOT / f'configs/stale/{name}.py'))
    cfg.test_dataloader.dataset.update(classes=None, subset='testing')
    cfg.test_dataloader.batch_size = 2
    cfg.model.head.candidates.class_threshold = 0.0
    weights = drawn_weights(cfg)
    cfg.update(load_from=weights, work_dir=str(tmp_path), experiment_name=name)
    for part in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg[part] = None
    Runner.from_cfg(cfg).test()
    (path,) = tmp_path.rglob('detections.json')
    stored = json.loads(path.read_text())['results']
    assert len(stored) == 3 and all(stored.values())

    ask = ActionDetectionInferencer(cfg, weights, 'cpu')
    for video, rows in stored.items():
        (answer,) = ask(str(action_world / 'videos' / f'{video}.mp4'))['predictions']
        assert len(answer['classes']) > 2
        labels = [answer['classes'].index(row[3]) for row in answer['instances']]
        assert labels == [row['label'] for row in rows]
        wanted = [[*row['segment'], row['score']] for row in rows]
        got = [row[:3] for row in answer['instances']]
        assert np.allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize(
    'asker, model, right',
    [
        (ActionDetectionInferencer, GROUNDER, 'VTGInferencer'),
        (ActionDetectionInferencer, PROMPT.format(''), 'ActionRecognitionInferencer'),
        (VTGInferencer, STALE, 'ActionDetectionInferencer'),
        (VTGInferencer, PROMPT.format('-retrieval'), 'VideoRetrievalInferencer'),
        (ActionRecognitionInferencer, STALE, 'ActionDetectionInferencer'),
        (VideoRetrievalInferencer, PROMPT.format(''), 'ActionRecognitionInferencer'),
    ],
)
def test_models_of_other_tasks_name_their_inferencer(asker, model, right):
    with pytest.raises(ValueError, match=rf'{model} is .*use mmvtg\.apis\.{right}$'):
        asker(model, 'random', 'cpu')


def test_other_models_are_refused(colour_config):
    with pytest.raises(ValueError, match=r'is a BrightRuns; Action.* needs a model'):
        ActionDetectionInferencer(colour_config, 'random', 'cpu')


def test_configs_that_cannot_be_used(detector_config):
    no_tower = dict(detector_config, encoding=None)
    with pytest.raises(ValueError, match='no block `encoding`'):
        ActionDetectionInferencer(no_tower, 'random', 'cpu')
    with pytest.raises(ValueError, match='no published weights: give a checkpoint'):
        ActionDetectionInferencer(detector_config)
    streams = dict(rgb=dict(row_shape=(1024,)), flow=dict(row_shape=(8,)))
    with pytest.raises(ValueError, match='reads rgb features, and the config does not'):
        config = dict(detector_config, encoding=dict(streams=streams))
        ActionDetectionInferencer(config, 'random', 'cpu')
    with pytest.raises(ValueError, match='reads the annotated mask'):
        ActionDetectionInferencer(f'stale-gt-mask{STALE[5:]}', 'random', 'cpu')
    with pytest.raises(ValueError, match='at least one clip'):
        ActionDetectionInferencer(detector_config, 'random', 'cpu', window=0.3)


@pytest.mark.parametrize(
    'classes, message',
    [
        ([], 'want the name of a class'),
        (3, 'want the name of a class'),
        (['red', ' _ '], r'classes\[1\] is empty'),
        (['red', None], r'classes\[1\] is None'),
        (['slide_left', 'red', 'slide left'], "'slide left' twice"),
        (None, 'say classes.*does not name them'),
    ],
)
def test_classes_that_cannot_be_asked(inferencer, video, classes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        inferencer(video, classes)


def test_classes_in_a_file_that_is_not_there(detector_config, video):
    dataset = dict(type='ActionDetectionDataset', data_root='/x', classes='names.list')
    config = dict(detector_config, test_dataloader=dict(dataset=dataset))
    ask = ActionDetectionInferencer(config, 'random', 'cpu')
    with pytest.raises(ValueError, match=r'say classes.*/x/names\.list does not exist'):
        ask(video)


def test_names_that_are_too_long_are_found_before_any_work(action_world):
    ask = ActionDetectionInferencer(STALE, 'random', 'cpu')
    video = str(next((action_world / 'videos').glob('*.mp4')))
    with pytest.raises(ValueError, match='shorten the name'):
        ask(video, ['a', 'red ' * 80])


def test_videos_that_cannot_be_asked(inferencer, video, tmp_path):
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(
        FileNotFoundError, match=r'videos\[0\] gone\.mp4 does not exist'
    ):
        inferencer('gone.mp4', 'red')
    with pytest.raises(BadSampleError, match=r'bad\.mp4 cannot be opened'):
        inferencer([video, str(tmp_path / 'bad.mp4')], 'red', on_error='raise')
    with pytest.raises(ValueError, match='unknown argument.*outdir'):
        inferencer(video, 'red', outdir='x')
    with pytest.raises(ValueError, match='batch_size must be 1'):
        inferencer(video, 'red', batch_size=0)
    assert inferencer.streams.towers['video'].batches == []


def test_a_class_twice_in_other_words_keeps_its_own(inferencer, video):
    """Suppression is by class: two words for one thing do not suppress each other."""
    (answer,) = inferencer(video, ['red', 'the red'])['predictions']
    assert found(answer) == [(5, 9, 'red'), (5, 9, 'the red')]
    assert torch.tensor([row[2] for row in answer['instances']]).unique().numel() == 1
