"""A library of videos and sentences in, rankings both ways out."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmvtg.apis import VideoRetrievalInferencer
from mmvtg.apis.model_loading import test_dataset as dataset_of
from mmvtg.datasets.errors import BadSampleError
from mmvtg.registry import DATASETS
from mmvtg.utils.launch import load_config

CONFIGS = Path(__file__).parents[2] / 'configs' / 'efficient_prompt'
HAND = 'hand-written-retrieval_tiny-clip_moving-shapes'
PROMPT = 'efficient-prompt-retrieval_tiny-clip_1xb32-20e_moving-shapes'
QUERIES = ['a red circle slides to the left', 'a blue square']


@pytest.fixture
def ask(action_world) -> VideoRetrievalInferencer:
    return VideoRetrievalInferencer(HAND, device='cpu')


@pytest.fixture
def videos(action_world) -> list:
    return sorted(map(str, (action_world / 'videos').glob('test_*.mp4')))


def test_rankings_both_ways(ask, videos, tmp_path):
    out = tmp_path / 'all.json'
    results = ask(videos, QUERIES, pred_out_file=str(out))
    assert [p['query'] for p in results['predictions']] == QUERIES
    assert [p['video'] for p in results['by_video']] == videos
    table = {}
    for prediction in results['predictions']:
        scores = [score for score, _ in prediction['videos']]
        assert scores == sorted(scores, reverse=True) and len(scores) == 3
        for score, video in prediction['videos']:
            table[video, prediction['query']] = score
    for prediction in results['by_video']:
        ranked = prediction['queries']
        assert [s for s, _ in ranked] == sorted([s for s, _ in ranked], reverse=True)
        assert all(table[prediction['video'], query] == s for s, query in ranked)
    assert len(set(table.values())) == 6
    assert results.pop('visualization') == [] and results.pop('failed') == {}
    assert json.loads(out.read_text()) == results


def test_a_video_is_read_once_until_it_changes(ask, videos, write_video, monkeypatch):
    read = []
    draw = ask.frames.transform.read

    def draw_and_count(results, *rest):
        read.append(results['video_id'])
        return draw(results, *rest)

    monkeypatch.setattr(ask.frames.transform, 'read', draw_and_count)
    first = ask(videos[:2], QUERIES)['predictions']
    assert ask(videos[:2], QUERIES)['predictions'] == first
    ask([*videos, videos[0]], 'another sentence')
    assert read == ['test_00000', 'test_00001', 'test_00002']
    values = torch.randint(0, 255, (8, 3), dtype=torch.uint8).numpy()
    path = str(write_video(values))
    ask(path, QUERIES)
    write_video(values[:6])  # the same path
    ask(path, QUERIES)
    assert read[3:] == ['v', 'v']


@pytest.mark.parametrize('name', [HAND, PROMPT])
def test_a_raw_video_gives_what_stored_features_give(name, action_world, drawn_weights):
    cfg = load_config(str(CONFIGS / f'{name}.py'))
    ask = VideoRetrievalInferencer(cfg, drawn_weights(cfg), 'cpu')
    dataset = DATASETS.build(dataset_of(cfg))
    with torch.no_grad():
        batch = pseudo_collate([dataset[index] for index in range(3)])
        stored = ask.model.test_step(batch)
    paths = [str(action_world / 'videos' / f'{s.video_id}.mp4') for s in stored]
    videos = ask.encode_videos(paths)
    texts = ask.encode_queries([sample.query for sample in stored])
    wanted = torch.stack([sample.video_embedding for sample in stored])
    assert torch.allclose(videos, wanted, atol=1e-6)
    wanted = torch.stack([sample.text_embedding for sample in stored])
    assert torch.allclose(texts, wanted, atol=1e-6)
    assert not torch.allclose(videos[0], videos[1], atol=1e-3)


def test_what_cannot_be_asked(ask, videos, tmp_path, monkeypatch):
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(BadSampleError, match='cannot be opened'):
        ask([*videos, str(tmp_path / 'bad.mp4')], QUERIES, on_error='raise')
    assert not ask.library  # found before any work was done
    results = ask([str(tmp_path / 'bad.mp4'), *videos], QUERIES)
    assert list(results['failed']) == [str(tmp_path / 'bad.mp4')]
    assert [p['video'] for p in results['by_video']] == videos
    alone = ask(str(tmp_path / 'bad.mp4'), QUERIES)
    assert [p['videos'] for p in alone['predictions']] == [[], []]
    monkeypatch.chdir(tmp_path)
    twice = ask(['bad.mp4', './bad.mp4', *videos], QUERIES)
    assert list(twice['failed']) == ['bad.mp4', './bad.mp4']
    assert [p['video'] for p in twice['by_video']] == videos
    for queries, message in (
        ([], 'queries is empty'),
        (['x', ' '], r'queries\[1\] is empty'),
        (3, 'must be a sentence'),
        ([3], r'queries\[0\] is 3'),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            ask(videos, queries)
    with pytest.raises(ValueError, match='want a video file'):
        ask([], QUERIES)
