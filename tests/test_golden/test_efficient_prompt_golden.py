"""Efficient-Prompt against numbers recorded with the authors' code."""

import json
import runpy
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from golden_files import golden_folder
from safetensors.torch import load_file
from tolerances import PROMPT_GRADIENT, PROMPT_OUTPUT, close

from mmvtg.datasets.frame_draws import candidates, take_run
from mmvtg.models.grounders import ActionRecognizer
from mmvtg.models.tower_hooks import ContextPrompt, TowerContext

ROOT = Path(__file__).parents[2]
FOLDER = golden_folder('efficient_prompt')
CONVERTER = runpy.run_path(
    str(ROOT / 'tools' / 'model_converters' / 'efficient_prompt.py')
)
META = json.loads((FOLDER / 'efficient_prompt.json').read_text())
DATA = load_file(FOLDER / 'efficient_prompt.safetensors')
CASES = [
    index
    for index in range(len(META['cases']))
    if f'case{index}.param.embedding.weight' in DATA
]
VIDEO = dict(video=DATA['video.features'][:, None])
needs_tower = pytest.mark.skipif(
    'clip.text_projection' not in DATA, reason='the recording has no text tower'
)


@pytest.fixture(scope='module', autouse=True)
def golden_clip(tmp_path_factory):
    text = dict(
        context_length=META['context_length'],
        vocab_size=META['vocab_size'],
        width=META['width'],
        heads=META['text_heads'],
        layers=META['text_layers'],
    )
    vision = dict(image_size=8, patch_size=8, layers=1, width=16, head_width=8)
    config = dict(
        embed_dim=META['embed_dim'],
        quick_gelu=True,
        vision_cfg=vision,
        text_cfg=text,
    )
    path = tmp_path_factory.mktemp('clip') / 'efficient-prompt-golden.json'
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)


def prompt_config(case):
    return dict(
        type='ContextPrompt',
        width=META['width'],
        num_before=case['prefix'],
        num_after=case['postfix'],
        indexing='position',
        num_places=META['context_length'],
    )


def build(index):
    """The model of a recorded case, with its weights."""
    case = META['cases'][index]
    temporal = dict(
        type='TemporalTransformer',
        channels=META['width'],
        num_layers=case['tfm_layers'],
        num_heads=case['tfm_heads'],
        max_frames=META['numFrames'],
    )
    model = ActionRecognizer(
        temporal=temporal if case['temporal'] else None,
        classifier=dict(
            type='ClassNameClassifier',
            temperature=META['temperature'],
            text_tower=dict(
                type='CLIPTextTower',
                model='efficient-prompt-golden',
                hooks=[prompt_config(case)],
            ),
        ),
    )
    prefix = f'case{index}.param.'
    official = {
        key.removeprefix(prefix): value
        for key, value in DATA.items()
        if key.startswith(prefix)
    }
    state = CONVERTER['convert_state_dict'](official)
    if not case['temporal']:
        state = {k: v for k, v in state.items() if not k.startswith('temporal')}
    model.load_state_dict(state)
    if 'clip.text_projection' in DATA:
        fill_text_tower(model.classifier.text_tower.clip)
    model.classifier.set_classes(case['input_names'])
    return model, case


def fill_text_tower(clip):
    state = {
        key.removeprefix('clip.'): value
        for key, value in DATA.items()
        if key.startswith('clip.')
    }
    table = torch.zeros(META['vocab_size'], META['width'])
    table[state.pop('used_token_ids')] = state.pop('token_embedding_rows')
    state.pop('logit_scale')
    state['token_embedding.weight'] = table
    clip.load_state_dict(state)


@pytest.mark.parametrize('index', CASES)
def test_golden_efficient_prompt_video(index):
    model, _ = build(index)
    close(model.embed(VIDEO)[:, 0], data(index, 'video_feature'), PROMPT_OUTPUT)


@needs_tower
@pytest.mark.parametrize('index', CASES)
def test_golden_efficient_prompt_features_and_loss(index):
    model, case = build(index)
    close(
        model.classifier.text_tower(*names(model)).pooled,
        data(index, 'text_feature'),
        PROMPT_OUTPUT,
    )
    labels = torch.tensor([case['input_names'].index(n) for n in META['target_names']])
    assert labels.tolist() == data(index, 'targets').tolist()
    features = model.embed(VIDEO)[:, 0]
    close(model.classifier(features), data(index, 'logits'), PROMPT_OUTPUT)
    losses = model.classifier.loss(features, labels)
    close(losses['loss'].reshape(1), data(index, 'loss').reshape(1), PROMPT_OUTPUT)
    check_gradients(model, index, losses['loss'])


def check_gradients(model, index, loss):
    prefix = f'case{index}.grad.'
    official = {
        key.removeprefix(prefix): value
        for key, value in DATA.items()
        if key.startswith(prefix)
    }
    if not official or not loss.requires_grad:
        return
    loss.backward()
    grads = {name: p.grad for name, p in model.named_parameters()}
    for key, value in official.items():
        for name, expected in CONVERTER['_convert'](key, value).items():
            if name in grads and grads[name] is not None:
                close(grads[name], expected, PROMPT_GRADIENT)


def names(model):
    return model.classifier.tokens, model.classifier.token_mask


def data(index, name):
    return DATA[f'case{index}.{name}']


@pytest.mark.parametrize('index', CASES)
def test_golden_efficient_prompt_places(index):
    """What the tower reads: the same vectors in the same places, up to the end."""
    case, width = META['cases'][index], META['width']
    place = [META['class_names'].index(name) for name in case['input_names']]
    tokens = DATA['tokens'][place]
    table = torch.zeros(META['vocab_size'], width)
    table[DATA['clip.used_token_ids']] = DATA['clip.token_embedding_rows']
    hook = ContextPrompt(
        **{k: v for k, v in prompt_config(case).items() if k != 'type'}
    )
    hook.embedding.weight.data = data(index, 'param.embedding.weight')
    ends = tokens.argmax(1)
    tokens = tokens[:, : int(ends.max()) + 1]
    context = TowerContext(num_layers=1, mask=tokens > 0, ends=ends)
    sequence = hook.embed(table[tokens], context)
    assert context.ends.tolist() == data(index, 'eot_index').tolist()
    for row, expected, end in zip(sequence, data(index, 'text_sequence'), context.ends):
        assert torch.equal(row[: end + 1], expected[: end + 1])


def test_golden_efficient_prompt_frames():
    for row in META['frame_sampling']:
        total, count = row['num_frames'], META['numFrames']
        frames = np.arange(total)
        if total > count:
            found = candidates(total, round(1 / row['rate']), row['offset'])
            frames = found if len(found) > count else frames
        start = row['start'] or 0
        assert take_run(frames, start, count).tolist() == row['indices']


def test_golden_efficient_prompt_mean_of_draws():
    crops, videos = META['eval5']['crops'], META['eval5']['videos']
    draws = DATA['eval5.similarity'].unflatten(0, (crops, videos)).transpose(0, 1)
    mean = draws.mean(1)
    close(mean, DATA['eval5.mean'], PROMPT_OUTPUT)
    order, target = mean.argsort(1, descending=True), DATA['eval5.targets'][:, None]
    for k in (1, 5):
        hits = (order[:, :k] == target).any(1).float().mean()
        assert float(hits) == pytest.approx(META['eval5'][f'top{k}'])
