"""Inferencers read configs whose types are classes, as ``read_base()`` gives them."""

import numpy as np
import pytest
from bright_model import colours
from mmengine.config import Config

from mmvtg.apis import (
    ActionDetectionInferencer,
    ActionRecognitionInferencer,
    VideoRetrievalInferencer,
    VTGInferencer,
)
from mmvtg.apis.model_loading import find_model
from mmvtg.apis.tasks import inferencer_for
from mmvtg.datasets.encoding_spec import learned_hooks
from mmvtg.datasets.transforms import DrawStoredFrames
from mmvtg.models.tower_hooks import LayerTap
from mmvtg.registry import DATASETS, MODELS, TASK_UTILS, TRANSFORMS

HAND = 'hand-written_tiny-clip_moving-shapes'
RETRIEVAL = 'hand-written-retrieval_tiny-clip_moving-shapes'


def with_classes(node):
    """Return a copy of a config with classes as types."""
    if isinstance(node, (list, tuple)):
        return [with_classes(value) for value in node]
    if not isinstance(node, dict):
        return node
    copied = {key: with_classes(value) for key, value in node.items()}
    if isinstance(node.get('type'), str):
        registries = (MODELS, TRANSFORMS, DATASETS, TASK_UTILS)
        found = (registry.get(node['type']) for registry in registries)
        copied['type'] = next((one for one in found if one), node['type'])
    return copied


@pytest.fixture
def video(write_video) -> str:
    return str(write_video(colours({'red': [(5, 9)]}, 24, 1.0)))


@pytest.mark.parametrize(
    'kind, fixture',
    [
        (VTGInferencer, 'colour_config'),
        (ActionDetectionInferencer, 'detector_config'),
    ],
)
def test_models_of_windows(kind, fixture, request, video):
    config = request.getfixturevalue(fixture)
    plain = kind(config, 'random', 'cpu')(video, 'red')['predictions']
    classes = kind(with_classes(config), 'random', 'cpu')(video, 'red')['predictions']
    assert str(classes) == str(plain)


@pytest.mark.parametrize(
    'kind, name, words',
    [
        (ActionRecognitionInferencer, HAND, ['slide left', 'grow']),
        (VideoRetrievalInferencer, RETRIEVAL, ['a red circle', 'a blue square']),
    ],
)
def test_models_of_sampled_frames(kind, name, words, action_world):
    video = str(action_world / 'videos' / 'test_00000.mp4')
    config = find_model(name)[0]
    classes = Config(with_classes(config.to_dict()))
    assert inferencer_for(classes) == kind.__name__
    plain = kind(config, device='cpu')(video, words)['predictions']
    assert kind(classes, device='cpu')(video, words)['predictions'] == plain


def test_subclass_of_a_sampling_step_counts_as_one(action_world):
    class MyFrames(DrawStoredFrames):
        pass

    config = find_model(HAND)[0]
    for step in config.test_dataloader.dataset.pipeline:
        if step.type == 'DrawStoredFrames':
            step.type = MyFrames
    inferencer = ActionRecognitionInferencer(config, device='cpu')
    video = str(action_world / 'videos' / 'test_00000.mp4')
    (found,) = inferencer(video, ['grow', 'shrink'])['predictions']
    assert np.isclose(sum(score for score, _ in found['classes']), 1)


def test_hooks_that_only_store_layers_are_known_by_their_class():
    class MyReader(LayerTap):
        pass

    hooks = [dict(type=MyReader), dict(type='LayerTap'), dict(type='TemporalPrompt')]
    assert learned_hooks(dict(hooks=hooks)) == ['TemporalPrompt']
