"""The models whose weights come with mmvtg: each one works by its name alone."""

import sys

import pytest
from tiny_world import run

import mmvtg.apis
from mmvtg.apis import VTGInferencer, download, find_model, get_model, list_models
from mmvtg.apis.tasks import TASKS, inferencer_for
from mmvtg.registry import MODELS, register_all_modules

NAMES = [
    name
    for name in list_models()
    if (get_model(name).weights or '').startswith('package:weights/')
]


register_all_modules()
#: Name -> inferencer, None for hooks of a tower.
INFERENCERS = {name: inferencer_for(find_model(name)[0]) for name in NAMES}


def models_of(inferencer: str | None):
    names = [name for name, found in INFERENCERS.items() if found == inferencer]
    return pytest.mark.parametrize('name', names)


@pytest.fixture
def video(world) -> str:
    return str(world / 'moving_shapes' / 'tiny' / 'videos' / 'test_00000.mp4')


def test_there_are_some_of_each_kind():
    assert set(INFERENCERS.values()) == {None, *(name for _, name in TASKS.values())}


@models_of(None)
def test_hooks_fill_their_tower(name):
    cfg, _ = find_model(name)
    stream = cfg.encoding.streams.video
    tower = dict(stream.tower, hook_weights=download(name))
    drawn = MODELS.build(dict(tower, hook_weights=None))
    filled = MODELS.build(tower)
    pairs = zip(drawn.hooks.parameters(), filled.hooks.parameters(), strict=True)
    assert any(bool((a != b).any()) for a, b in pairs)


@models_of('VTGInferencer')
def test_moments(name, video):
    ask = VTGInferencer(name, device='cpu')
    (answer,) = ask(video, 'a red circle slides to the left')['predictions']
    start, end, score = answer['moments'][0]
    assert 0 <= start < end and 0 < score <= 1
    assert len(set(answer['saliency'])) > 1


@models_of('ActionDetectionInferencer')
def test_actions(name, video):
    proposer = None
    if 'localisation' in name:
        first = name.replace('localisation', 'proposals')
        proposer = mmvtg.apis.ActionDetectionInferencer(first, device='cpu')
    ask = mmvtg.apis.ActionDetectionInferencer(name, device='cpu', proposer=proposer)
    classes = ['red circle', 'blue star'] if ask.names_classes else None
    (answer,) = ask(video, classes)['predictions']
    start, end, score, label = answer['instances'][0]
    assert 0 <= start < end <= answer['duration'] + 1e-3 and 0 < score <= 1
    assert label in answer['classes']


@models_of('ActionRecognitionInferencer')
def test_classes(name, video):
    ask = mmvtg.apis.ActionRecognitionInferencer(name, device='cpu')
    (answer,) = ask(video)['predictions']
    scores = [score for score, _ in answer['classes']]
    assert len(scores) == 10 and scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-4) and scores[0] > scores[-1]


@models_of('VideoRetrievalInferencer')
def test_rankings(name, video):
    ask = mmvtg.apis.VideoRetrievalInferencer(name, device='cpu')
    videos = [video, video.replace('test_00000', 'test_00001')]
    rows = ask(videos, ['a red circle', 'a blue star'])['predictions']
    assert [len(row['videos']) for row in rows] == [2, 2]
    assert rows[0]['videos'] != rows[1]['videos']


def test_a_fresh_process_needs_no_more_than_the_inferencer(video, world, tmp_path):
    """Other tests leave mmvtg's scope behind them; a user's script has none."""
    name = next(name for name, found in INFERENCERS.items() if found == 'VTGInferencer')
    script = (
        'from mmvtg.apis import VTGInferencer\n'
        f'ask = VTGInferencer({name!r}, device="cpu")\n'
        f'answer = ask({video!r}, "a red circle", out_dir={str(tmp_path)!r})\n'
        'print(len(answer["predictions"]))'
    )
    done = run([sys.executable, '-c', script], world)
    assert done.strip().endswith('1')
    assert (tmp_path / 'test_00000_0.png').is_file()
