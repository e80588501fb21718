"""The models whose weights come with mmvtg: each one works by its name alone."""

import sys

import pytest
from tiny_world import run

from mmvtg.apis import VTGInferencer, download, find_model, get_model, list_models
from mmvtg.registry import MODELS

NAMES = [
    name
    for name in list_models()
    if (get_model(name).weights or '').startswith('package:weights/')
]
ADAPTED = [name for name in NAMES if name.startswith('actprompt')]
GROUNDERS = [name for name in NAMES if name not in ADAPTED]


def test_there_are_some():
    assert any(name.startswith('r2-tuning') for name in GROUNDERS) and ADAPTED


@pytest.mark.parametrize('name', ADAPTED)
def test_shipped_hooks_fill_their_tower(name):
    cfg, _ = find_model(name)
    tower = dict(cfg.feature_extractor.vision_tower, hook_weights=download(name))
    drawn = MODELS.build(dict(tower, hook_weights=None))
    filled = MODELS.build(tower)
    pairs = zip(drawn.hooks.parameters(), filled.hooks.parameters(), strict=True)
    assert any(bool((a != b).any()) for a, b in pairs)


@pytest.mark.parametrize('name', GROUNDERS)
def test_a_shipped_model_answers(name, world):
    video = world / 'moving_shapes' / 'tiny' / 'videos' / 'test_00000.mp4'
    ask = VTGInferencer(name, device='cpu')
    (answer,) = ask(str(video), 'a red circle slides to the left')['predictions']
    start, end, score = answer['moments'][0]
    assert 0 <= start < end and 0 < score <= 1
    assert len(set(answer['saliency'])) > 1


def test_a_fresh_process_needs_no_more_than_the_inferencer(world, tmp_path):
    """Other tests leave mmvtg's scope behind them; a user's script has none."""
    video = world / 'moving_shapes' / 'tiny' / 'videos' / 'test_00000.mp4'
    script = (
        'from mmvtg.apis import VTGInferencer\n'
        f'ask = VTGInferencer({GROUNDERS[0]!r}, device="cpu")\n'
        f'answer = ask({str(video)!r}, "a red circle", out_dir={str(tmp_path)!r})\n'
        'print(len(answer["predictions"]))'
    )
    done = run([sys.executable, '-c', script], world)
    assert done.strip().endswith('1')
    assert (tmp_path / 'test_00000_0.png').is_file()
