"""The models whose weights come with mmvtg: each one answers by its name alone."""

import pytest

from mmvtg.apis import VTGInferencer, get_model, list_models

NAMES = [
    name
    for name in list_models()
    if (get_model(name).weights or '').startswith('package:weights/')
]


def test_there_are_some():
    assert any(name.startswith('r2-tuning') for name in NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_a_shipped_model_answers(name, world):
    video = world / 'moving_shapes' / 'tiny' / 'videos' / 'test_00000.mp4'
    ask = VTGInferencer(name, device='cpu')
    (answer,) = ask(str(video), 'a red circle slides to the left')['predictions']
    start, end, score = answer['moments'][0]
    assert 0 <= start < end and 0 < score <= 1
    assert len(set(answer['saliency'])) > 1
