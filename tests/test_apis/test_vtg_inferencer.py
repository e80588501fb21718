"""Videos and sentences in, plain answers out; wrong arguments are explained."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from bright_model import colours
from mmengine.config import Config

from mmvtg.apis import VTGInferencer, list_models
from mmvtg.apis.feature_cache import FeatureCache
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.video import load_frames

ROOT = Path(__file__).parents[2]
TINY = 'r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes'

WITH_MOTION = dict(
    dataset=dict(pipeline=[dict(type='PackGroundingInputs', motion_key='motion')])
)
NORMALISED = dict(
    dataset=dict(pipeline=[dict(type='LoadStoredFeatures', normalize=['video'])])
)


@pytest.fixture
def inferencer(colour_config) -> VTGInferencer:
    return VTGInferencer(colour_config, 'random', 'cpu')


@pytest.fixture
def video(write_video) -> str:
    planted = {'red': [(5, 9)], 'blue': [(0, 3), (20, 24)]}
    return str(write_video(colours(planted, 24, 1.0)))


def spans(prediction: dict) -> list:
    return sorted([start, end] for start, end, _ in prediction['moments'])


def test_one_video_one_query(inferencer, video):
    results = inferencer(video, 'red')
    assert set(results) == {'predictions', 'visualization'}
    (prediction,) = results['predictions']
    assert prediction['video'] == video and prediction['query'] == 'red'
    assert prediction['duration'] == 24 and prediction['fps'] == 1
    assert spans(prediction) == [[5, 9]]
    assert len(prediction['saliency']) == 24
    assert json.loads(json.dumps(prediction)) == prediction
    assert results['visualization'] == []


def test_every_query_is_asked_of_every_video(inferencer, video, write_video):
    other = str(write_video(colours({'red': [(1, 2)]}, 9, 1.0), 'w.mp4'))
    predictions = inferencer([video, other], ['red', 'blue'])['predictions']
    asked = [(p['video'], p['query']) for p in predictions]
    assert asked == [(v, q) for v in (video, other) for q in ('red', 'blue')]
    found = [spans(p) for p in predictions]
    assert found == [[[5, 9]], [[0, 3], [20, 24]], [[1, 2]], []]


def test_lists_of_queries_are_asked_of_their_videos(inferencer, video, write_video):
    other = str(write_video(colours({'red': [(1, 2)]}, 9, 1.0), 'w.mp4'))
    predictions = inferencer([video, other], [['blue', 'red'], ['red']])['predictions']
    assert [spans(p) for p in predictions] == [[[0, 3], [20, 24]], [[5, 9]], [[1, 2]]]


def test_more_queries_than_a_batch(inferencer, video):
    queries = ['red', 'green', 'blue'] * 3
    predictions = inferencer(video, queries, batch_size=2)['predictions']
    assert [p['query'] for p in predictions] == queries
    assert spans(predictions[-1]) == [[0, 3], [20, 24]]


def test_features_are_kept_until_the_file_changes(inferencer, video, write_video):
    tower = inferencer.stream.tower
    inferencer(video, 'red')
    seen = list(tower.batches)
    assert sum(seen) == 24 and max(seen) <= tower.chunk_size
    first = inferencer(video, ['red', 'blue'])['predictions'][0]
    assert tower.batches == seen
    write_video(colours({'red': [(2, 4)]}, 30, 1.0))  # the same path
    second = inferencer(video, 'red')['predictions'][0]
    assert sum(tower.batches) == 24 + 30
    assert spans(first) == [[5, 9]] and spans(second) == [[2, 4]]


def test_cache_forgets_what_was_used_longest_ago():
    cache = FeatureCache(10)
    for key in 'abc':
        cache.put(key, key.upper(), 4)
    assert cache.get('a') is None and cache.get('b') == 'B'
    cache.put('d', 'D', 4)  # c was used before b
    assert cache.get('c') is None and cache.get('b') == 'B' and cache.nbytes == 8
    cache.put('e', 'E', 11)
    assert cache.get('e') is None and len(cache) == 2
    cache.put('b', 'again', 10)
    assert cache.get('b') == 'again' and cache.nbytes == 10 and len(cache) == 1


def test_without_a_cache_answers_are_the_same(colour_config, video):
    inferencer = VTGInferencer(colour_config, 'random', 'cpu', cache_bytes=0)
    one, two = (inferencer(video, 'red')['predictions'] for _ in range(2))
    assert one == two and sum(inferencer.stream.tower.batches) == 48


def test_coupled_frames_go_through_the_tower_together(colour_config, video):
    colour_config['feature_extractor']['vision_tower']['couples_frames'] = True
    whole = VTGInferencer(colour_config, 'random', 'cpu')
    assert spans(whole(video, 'blue')['predictions'][0]) == [[0, 3], [20, 24]]
    assert whole.stream.tower.batches == [24]
    parts = VTGInferencer(colour_config, 'random', 'cpu', window=12)
    assert spans(parts(video, 'blue')['predictions'][0]) == [[0, 3], [20, 24]]
    assert parts.stream.tower.batches == [12, 12, 12]


def test_files_are_written_where_asked(inferencer, video, tmp_path):
    out = tmp_path / 'out'
    results = inferencer(
        video,
        ['red', 'blue'],
        out_dir=str(out),
        save_video=True,
        pred_out_file=str(out / 'all.json'),
    )
    names = [Path(path).name for path in results['visualization']]
    assert names == ['v_0.png', 'v_1.png', 'v_0.mp4', 'v_1.mp4']
    assert all((out / name).stat().st_size > 3000 for name in names)
    assert json.loads((out / 'all.json').read_text()) == results['predictions']


def test_data_samples_on_request(inferencer, video):
    (sample,) = inferencer(video, 'red', return_datasamples=True)['predictions']
    assert sample.pred_moments.spans.tolist() == [[5, 9]]


def test_show_opens_a_window(inferencer, video, monkeypatch):
    shown = []
    monkeypatch.setattr(inferencer.visualizer, 'show', lambda *a, **k: shown.append(k))
    assert inferencer(video, 'red', show=True, wait_time=2)['visualization'] == []
    assert shown[0]['wait_time'] == 2


def test_short_videos_give_bit_for_bit_what_the_model_gives(write_video):
    """Chunks, cache and batches of queries do not change a bit."""
    cfg = Config.fromfile(str(ROOT / f'configs/r2_tuning/{TINY}.py'))
    cfg.feature_extractor.vision_tower.chunk_size = 16
    torch.manual_seed(0)
    inferencer = VTGInferencer(cfg, 'random', 'cpu')
    values = np.random.default_rng(0).integers(0, 255, (42, 3))
    path = str(write_video(values.astype(np.uint8)))
    answers = [inferencer(path, 'a red circle')['predictions'][0] for _ in range(2)]

    frames, duration = load_frames(path, 1.0, 64)
    with torch.inference_mode():
        mask = torch.ones(1, len(frames), dtype=torch.bool)
        layers = inferencer.stream.tower(frames[None], mask).layers
        video = torch.stack(layers, dim=2)[0].half()
        batch = next(iter(inferencer.preprocess([(path, ['a red circle'], 0)])))
        assert torch.equal(batch['inputs']['video'][0], video)
        (sample,) = inferencer.model.test_step(batch)
    assert duration == 42
    for answer in answers:
        assert answer['saliency'] == sample.pred_saliency.tolist()
        assert [row[:2] for row in answer['moments']] == (
            sample.pred_moments.spans.tolist()
        )


def test_unknown_models_get_suggestions():
    with pytest.raises(ValueError, match=f'did you mean .*{TINY}'):
        VTGInferencer('r2-tuning_tiny-clip', 'random')
    with pytest.raises(ValueError, match='did you mean .*qvhighlights'):
        VTGInferencer('r2-tunning_clip-b32-k4_1xb128-30e_qvhighlihts', 'random')
    with pytest.raises(FileNotFoundError, match=r'configs/no\.py does not exist'):
        VTGInferencer('configs/no.py', 'random')


def test_models_are_found_by_name():
    assert TINY in list_models() == VTGInferencer.list_models()
    assert VTGInferencer(TINY.upper(), 'random', 'cpu').fps == 1


def test_missing_weights_are_explained(colour_config, tmp_path):
    untrained = 'r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes-full'
    with pytest.raises(ValueError, match=f'{untrained} has no published weights'):
        VTGInferencer(untrained)
    with pytest.raises(ValueError, match='the config has no published weights'):
        VTGInferencer(colour_config)
    with pytest.raises(ValueError, match='give a model, or weights with a config'):
        VTGInferencer()
    with pytest.raises(FileNotFoundError, match='gone.pth does not exist'):
        VTGInferencer(colour_config, str(tmp_path / 'gone.pth'))


def test_weights_of_another_model_are_refused(colour_config, tmp_path):
    path = str(tmp_path / 'x.pth')
    torch.save(dict(state_dict={'other': torch.zeros(2)}), path)
    with pytest.raises(ValueError, match='another model.*weight is missing'):
        VTGInferencer(colour_config, path)
    torch.save(dict(state_dict={'weight': torch.zeros(2)}), path)
    with pytest.raises(ValueError, match=r'weight is \(2,\), want \(1,\)'):
        VTGInferencer(colour_config, path)
    torch.save(dict(state_dict={'module.weight': torch.ones(1)}), path)
    assert VTGInferencer(colour_config, path, 'cpu').model.weight == 1


def test_weights_may_carry_their_config(colour_config, tmp_path, video):
    path = str(tmp_path / 'x.pth')
    text = Config(colour_config).pretty_text
    torch.save(dict(state_dict={'weight': torch.zeros(1)}, meta=dict(cfg=text)), path)
    inferencer = VTGInferencer(weights=path, device='cpu')
    assert spans(inferencer(video, 'red')['predictions'][0]) == [[5, 9]]


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(fps='auto'), "fps is 'auto': say how many clips"),
        (dict(fps=-1), 'want a positive number'),
        (dict(feature_extractor=None), 'which towers'),
        (dict(window=0.3), 'at least one clip'),
        (dict(test_dataloader=WITH_MOTION), 'reads motion features beside'),
        (dict(test_dataloader=NORMALISED), 'with normalize, which'),
    ],
)
def test_configs_that_cannot_be_used(colour_config, change, message):
    with pytest.raises(ValueError, match=message):
        VTGInferencer(dict(colour_config, **change), 'random', 'cpu')


def test_devices_and_overlaps_that_are_not_there(colour_config):
    with pytest.raises(ValueError, match="device 'gpu' cannot be used here"):
        VTGInferencer(colour_config, 'random', 'gpu')
    with pytest.raises(ValueError, match='at most half a window'):
        VTGInferencer(colour_config, 'random', 'cpu', window=10, overlap=6)


@pytest.mark.parametrize(
    'queries, message',
    [
        ('', r'queries\[0\] is empty'),
        (['red', ' \n'], r'queries\[1\] is empty'),
        ([], 'want a sentence'),
        (None, 'want a sentence'),
        ([['red'], ['blue']], '1 videos but 2 lists of queries'),
        ([[]], r'queries\[0\] is empty: give it at least one'),
        (['red', ['blue']], 'mixes sentences and lists'),
        ([3], r'queries\[0\] is 3: want a sentence'),
        ([['red', None]], r'queries\[0\]\[1\] is None'),
    ],
)
def test_queries_that_cannot_be_asked(inferencer, video, queries, message):
    with pytest.raises((ValueError, TypeError), match=message):
        inferencer(video, queries)


def test_videos_that_cannot_be_asked(inferencer, video, tmp_path):
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    bad, gone = str(tmp_path / 'bad.mp4'), str(tmp_path / 'gone.mp4')
    for videos, message in (
        (gone, r'videos\[0\] .*gone.mp4 does not exist'),
        (str(tmp_path), 'is a folder'),
        ([], 'want a video file'),
        ([video, 7], r'videos\[1\] is 7'),
    ):
        with pytest.raises((OSError, ValueError, TypeError), match=message):
            inferencer(videos, 'red')
    with pytest.raises(BadSampleError, match=r'bad\.mp4 cannot be opened'):
        inferencer([video, bad], 'red')
    assert inferencer.stream.tower.batches == []  # found before any work was done


def test_options_that_cannot_be_meant(inferencer, video):
    with pytest.raises(ValueError, match='unknown argument.*outdir'):
        inferencer(video, 'red', outdir='x')
    with pytest.raises(ValueError, match='save_video needs an out_dir'):
        inferencer(video, 'red', save_video=True)
    with pytest.raises(ValueError, match='batch_size is 0'):
        inferencer(video, 'red', batch_size=0)
