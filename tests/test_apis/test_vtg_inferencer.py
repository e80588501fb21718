"""Videos and sentences in, plain answers out; wrong arguments are explained."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from bright_model import colours
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmvtg.apis import VTGInferencer, list_models
from mmvtg.datasets.errors import BadSampleError
from mmvtg.datasets.transforms.video import load_frames
from mmvtg.encoding.cache import FeatureCache
from mmvtg.utils.launch import load_config

ROOT = Path(__file__).parents[2]
TINY = 'r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes'

WITHOUT_TOWER = dict(
    encoding=dict(streams=dict(pann=dict(why_no_tower='store them')), query=None)
)
MISSPELT = dict(encoding=dict(streams=dict(video=dict(normalise=True))))


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
    assert set(results) == {'predictions', 'visualization', 'failed'}
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
    tower = inferencer.streams.towers['video']
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
    assert one == two and sum(inferencer.streams.towers['video'].batches) == 48


def test_coupled_frames_go_through_the_tower_together(colour_config, video):
    colour_config['encoding']['streams']['video']['tower']['couples_frames'] = True
    whole = VTGInferencer(colour_config, 'random', 'cpu')
    assert spans(whole(video, 'blue')['predictions'][0]) == [[0, 3], [20, 24]]
    assert whole.streams.towers['video'].batches == [24]
    parts = VTGInferencer(colour_config, 'random', 'cpu', window=12)
    assert spans(parts(video, 'blue')['predictions'][0]) == [[0, 3], [20, 24]]
    assert parts.streams.towers['video'].batches == [24]


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
    cfg = load_config(str(ROOT / f'configs/r2_tuning/{TINY}.py'))
    cfg.encoding.streams.video.tower.chunk_size = 16
    torch.manual_seed(0)
    inferencer = VTGInferencer(cfg, 'random', 'cpu')
    values = np.random.default_rng(0).integers(0, 255, (42, 3))
    path = str(write_video(values.astype(np.uint8)))
    answers = [inferencer(path, 'a red circle')['predictions'][0] for _ in range(2)]

    frames, duration = load_frames(path, 1.0, 64)
    with torch.inference_mode():
        mask = torch.ones(1, len(frames), dtype=torch.bool)
        layers = inferencer.streams.towers['video'](frames[None], mask).layers
        video = torch.stack(layers, dim=2)[0].half()
        batch = next(iter(inferencer.preprocess([(path, ['a red circle'], 0)])))
        assert torch.equal(batch['inputs']['video'][0], video)
        (sample,) = inferencer.model.test_step(batch)
    assert duration == 42
    for answer in answers:
        assert answer['saliency'] == sample.pred_saliency.tolist()
        spans = sample.pred_moments.spans
        spans = spans[spans[:, 1] > spans[:, 0]]  # rounding left nothing of the others
        assert [row[:2] for row in answer['moments']] == spans.tolist()


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


@pytest.mark.parametrize(
    'text',
    [
        'a = __import__("os").system("touch {mark}")',
        'model = dict(type="os.system", command="touch {mark}")',
        'model = dict(type="VideoGrounder", neck=dict(type="subprocess.Popen", '
        'args=["touch", "{mark}"]))',
    ],
)
@pytest.mark.parametrize('place', ['message_hub', 'meta'])
def test_a_config_in_weights_is_not_run(place, text, tmp_path):
    mark, path = tmp_path / 'mark', str(tmp_path / 'w.pth')
    text = text.format(mark=mark)
    hub = dict(message_hub=dict(runtime_info=dict(cfg=text)))
    content = hub if place == 'message_hub' else dict(meta=dict(cfg=text))
    torch.save(dict(state_dict={'w': torch.ones(1)}, **content), path)
    with pytest.raises(ValueError, match=r'w\.pth: the config in the checkpoint'):
        VTGInferencer(weights=path, device='cpu')
    assert not mark.exists()


def test_weights_may_carry_their_config(colour_config, tmp_path, video):
    path = str(tmp_path / 'x.pth')
    text = Config(colour_config).pretty_text
    torch.save(dict(state_dict={'weight': torch.zeros(1)}, meta=dict(cfg=text)), path)
    inferencer = VTGInferencer(weights=path, device='cpu')
    assert spans(inferencer(video, 'red')['predictions'][0]) == [[5, 9]]


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(fps='auto'), "fps of the config is 'auto': give fps"),
        (dict(fps=-1), 'must be a positive number'),
        (dict(encoding=None), 'which towers'),
        (dict(encoding=dict(streams={})), 'which towers'),
        (dict(window=0.3), 'at least one clip'),
        (WITHOUT_TOWER, r'reads pann features.*pann\.tower\): store them'),
        (MISSPELT, "streams.video has no field 'normalise'; did you mean normalize"),
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
        inferencer([video, bad], 'red', on_error='raise')
    assert inferencer.streams.towers['video'].batches == []


def test_a_bad_video_is_reported_and_skipped(inferencer, video, tmp_path):
    bad = tmp_path / 'bad.mp4'
    bad.write_bytes(b'no video')
    results = inferencer([str(bad), video], 'red', out_dir=str(tmp_path / 'out'))
    (prediction,) = results['predictions']
    assert prediction['video'] == video and spans(prediction) == [[5, 9]]
    assert list(results['failed']) == [str(bad)]
    assert 'cannot be opened' in results['failed'][str(bad)]
    with pytest.raises(ValueError, match="on_error must be 'skip' or 'raise'"):
        inferencer(video, 'red', on_error='ignore')


def test_a_second_run_into_a_folder_goes_on(inferencer, video, write_video, tmp_path):
    other = str(write_video(colours({'red': [(1, 2)]}, 9, 1.0), 'w.mp4'))
    out, tower = tmp_path / 'out', inferencer.streams.towers['video']
    first = inferencer(video, ['red', 'blue'], out_dir=str(out))['predictions']
    log = out / 'predictions.jsonl'
    assert len(log.read_text().splitlines()) == 2
    with open(log, 'a') as file:  # a run that was killed while it wrote
        file.write('{"key": "abc", "vid')
    inferencer.streams.encoders['video'].cache.make_room(1 << 30)
    seen = sum(tower.batches)
    both = inferencer([video, other], ['red', 'blue'], out_dir=str(out))['predictions']
    assert both[:2] == first and sum(tower.batches) == seen + 9
    assert len(log.read_text().splitlines()) == 4
    write_video(colours({'red': [(2, 4)]}, 24, 1.0))  # the same path, other content
    again = inferencer(video, ['red', 'blue'], out_dir=str(out))['predictions']
    assert spans(again[0]) == [[2, 4]] and len(log.read_text().splitlines()) == 6


def test_another_model_reuses_nothing(colour_config, video, tmp_path):
    out = str(tmp_path)
    VTGInferencer(colour_config, 'random', 'cpu')(video, 'red', out_dir=out)
    other = VTGInferencer(colour_config, 'random', 'cpu')
    other.model.weight.data += 1
    other(video, 'red', out_dir=out)
    assert other.streams.towers['video'].batches


def test_moments_have_a_length_and_end_with_the_video(inferencer, video, monkeypatch):
    forward = inferencer.forward

    def rounded(batch):
        for sample in forward(batch):
            sample.pred_moments = InstanceData(
                spans=torch.tensor([[20.0, 26.0], [12.0, 12.0], [24.0, 25.0]]),
                scores=torch.tensor([0.9, 0.8, 0.7]),
            )
            yield sample

    monkeypatch.setattr(inferencer, 'forward', rounded)
    (prediction,) = inferencer(video, 'red')['predictions']
    assert prediction['moments'] == [[20.0, 24.0, pytest.approx(0.9)]]


def test_a_file_that_is_overwritten_in_place_is_another_file(
    inferencer, video, write_video
):
    """Size and time of change may be the same."""
    before = Path(video).stat()
    assert spans(inferencer(video, 'red')['predictions'][0]) == [[5, 9]]
    other = write_video(colours({'red': [(1, 2)]}, 24, 1.0), 'w.mp4').read_bytes()
    Path(video).write_bytes(other.ljust(before.st_size, b'\0')[: before.st_size])
    os.utime(video, ns=(before.st_atime_ns, before.st_mtime_ns))
    results = inferencer(video, 'red')
    assert not results['predictions'] or spans(results['predictions'][0]) != [[5, 9]]


def test_names_that_file_systems_hardly_take(inferencer, video, tmp_path):
    name = os.fsdecode(b'caf\xe9' + b'a' * 240 + b'.mp4')
    path = str(tmp_path / name)
    os.rename(video, path)
    results = inferencer(path, 'red', out_dir=str(tmp_path / 'out'), save_video=True)
    assert spans(results['predictions'][0]) == [[5, 9]]
    assert all(Path(one).is_file() for one in results['visualization'])


def test_options_that_cannot_be_meant(inferencer, video):
    with pytest.raises(ValueError, match='unknown argument.*outdir'):
        inferencer(video, 'red', outdir='x')
    with pytest.raises(ValueError, match='save_video needs an out_dir'):
        inferencer(video, 'red', save_video=True)
    with pytest.raises(ValueError, match='batch_size must be 1 or more, got 0'):
        inferencer(video, 'red', batch_size=0)
