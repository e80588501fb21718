"""ActPrompt against a slow float64 reference: encoding, and one pretext step."""

import json
from pathlib import Path

import pytest
import torch
from golden_files import golden_folder
from safetensors.torch import load_file
from small_clip import add_small_clip
from tolerances import close

import mmvtg  # noqa: F401
from mmvtg.models.tower_hooks import RowRequest, TowerHook
from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

ROOT = Path(__file__).parents[2]
FOLDER = golden_folder('actprompt')
ENCODE = sorted(path.stem for path in FOLDER.glob('encode_*.json'))
PRETEXT = sorted(path.stem for path in FOLDER.glob('pretext_*.json'))
LOSSES = dict(loss_contrast='ce', loss_ranking='tri', loss_consistency='con')


@MODELS.register_module(force=True)
class TokenRecorder(TowerHook):
    """Notes tokens before and after layers, and the prompt's attention by head."""

    def attention_rows(self, index, tokens, context):
        return RowRequest(1, context.scratch['patches'], per_head=True)

    def before_layer(self, index, tokens, context):
        context.scratch.setdefault((id(self), 'in'), []).append(tokens)
        return tokens

    def after_layer(self, index, tokens, rows, context):
        context.scratch.setdefault((id(self), 'out'), []).append(tokens)
        context.scratch.setdefault((id(self), 'heads'), []).append(rows)
        return tokens


def our_names(params):
    """Recorded tensors by our names."""
    ours, positions = {}, []
    for key, value in params.items():
        if key.startswith('actprompt.temporal_pos.'):
            positions.append((int(key.rpartition('.')[2]), value))
        elif key.startswith('actprompt.temporal_mlp.'):
            key = key.removeprefix('actprompt.temporal_')
            key = key.replace('fc1', 'linear_in').replace('fc2', 'linear_out')
            ours[f'vision_tower.hooks.temporal.{key}'] = value
        elif key.startswith('actprompt.'):
            ours[f'vision_tower.hooks.action.{key[len("actprompt.") :]}'] = value
        elif key.startswith('visual.'):
            ours[f'vision_tower.clip.{key[len("visual.") :]}'] = value
        else:
            ours[f'text_tower.clip.{key}'] = value
    ordered = [value for _, value in sorted(positions, key=lambda one: one[0])]
    ours['vision_tower.hooks.temporal.positions'] = torch.stack(ordered)
    return ours


class Case:
    def __init__(self, name, folder, recorded):
        self.meta = json.loads((FOLDER / f'{name}.json').read_text())
        data = load_file(FOLDER / f'{name}.safetensors')
        self.data = {
            key: value.double() if value.is_floating_point() else value
            for key, value in data.items()
        }
        self.config = self.meta['config']
        self.places = ('1', '2') if recorded else ('0', '1')
        self.model = MODELS.build(self.settings(name, folder, recorded)).double()
        state = self.named('param.')
        missing, unknown = self.model.load_state_dict(state, strict=False)
        assert not missing and not unknown

    def named(self, prefix):
        part = {
            key[len(prefix) :]: value
            for key, value in self.data.items()
            if key.startswith(prefix)
        }
        places = dict(zip(('.action.', '.temporal.'), self.places))
        named = our_names(part)
        for word, place in places.items():
            named = {k.replace(word, f'.{place}.'): v for k, v in named.items()}
        return named

    def settings(self, name, folder, recorded):
        c = self.config
        add_small_clip(folder, f'act-{name}', c)
        sizes = dict(width=c['v_width'], num_layers=c['v_layers'])
        hooks = [
            dict(
                type='ActionPrompt',
                motion_dim=c['video_dim'],
                text_width=c['t_width'],
                **sizes,
            ),
            dict(
                type='TemporalPrompt',
                neighbours=c['T'],
                hidden_channels=c['mlp_hidden'],
                **sizes,
            ),
        ]
        if recorded:
            hooks = [dict(type='TokenRecorder'), *hooks, dict(type='TokenRecorder')]
        temperature = dict(temperature=c['tau'])
        return dict(
            type='VideoTextMatcher',
            vision_tower=dict(type='CLIPVisionTower', model=f'act-{name}', hooks=hooks),
            text_tower=dict(
                type='CLIPTextTower',
                model=f'act-{name}',
                hooks=[dict(type='TokenTap')],
            ),
            losses=dict(
                contrast=dict(type='QueryContrastLoss', **temperature),
                ranking=dict(
                    type='MomentRankingLoss', loss_weight=c['alpha1'], **temperature
                ),
                consistency=dict(
                    type='AttentionConsistencyLoss', loss_weight=c['alpha2']
                ),
            ),
        )

    def gradients(self):
        found = dict(self.model.named_parameters())
        trained = {name for name, p in found.items() if p.requires_grad}
        expected = self.named('grad.')
        assert trained == expected.keys()
        for name in expected:
            close(found[name].grad, expected[name])
        assert all(p.grad is None for n, p in found.items() if n not in trained)


@pytest.fixture(params=ENCODE)
def encoded(request, tmp_path):
    return Case(request.param, tmp_path, recorded=True)


def verb_of(case):
    ids = case.data['in.ids'][None]
    sample = GroundingDataSample(metainfo=dict(verb_position=case.data['in.verb_pos']))
    return case.model.encode_queries(dict(token_ids=ids), [sample], with_verbs=True)


def test_verb_states_and_prompts(encoded):
    query, states = verb_of(encoded)
    close(states[0], encoded.data['text.verb_hidden'])
    feature = encoded.data['text.feature']
    close(query[0], feature / feature.norm())
    prompts = encoded.model.vision_tower.hooks[1].verb_prompts
    made = [layer(states[0, i]) for i, layer in enumerate(prompts)]
    close(torch.stack(made), encoded.data['text.verb_prompts'])


@pytest.mark.parametrize('branch', ['video', 'verb'])
def test_tokens_attention_and_temporal_prompts(encoded, branch):
    tower, data = encoded.model.vision_tower, encoded.data
    inputs = dict(motion=data['in.clip_features'])
    if branch == 'verb':
        inputs = dict(verb_states=verb_of(encoded)[1])
    pooled, context = tower.encode(data['in.frames'], inputs=inputs)
    first, last = id(tower.hooks[0]), id(tower.hooks[-1])
    for index in range(tower.num_layers):
        tokens = context.scratch[first, 'out'][index]
        close(tokens, data[f'{branch}.tokens_out.{index + 1}'])
        tokens = context.scratch[last, 'in'][index]
        if f'{branch}.tokens_in.{index + 1}' in data:
            close(tokens, data[f'{branch}.tokens_in.{index + 1}'])
        heads = context.scratch[last, 'heads'][index]
        close(heads, data[f'{branch}.attn_heads'][index])
        if index:
            count = 2 * encoded.config['T'] + 1
            close(tokens[:, -count:], data[f'{branch}.temporal'][index - 1])
    close(context.outputs['prompt_attention'].transpose(0, 1), data[f'{branch}.A'])
    chosen = context.outputs['chosen_patches'].T
    assert torch.equal(chosen, data[f'{branch}.index'])
    close(pooled, data[f'{branch}.feature'])


def test_gradients_of_a_probe(encoded):
    tower, data = encoded.model.vision_tower, encoded.data
    states = verb_of(encoded)[1]
    video, seen = tower.encode(
        data['in.frames'], inputs=dict(motion=data['in.clip_features'])
    )
    verb, guided = tower.encode(data['in.frames'], inputs=dict(verb_states=states))
    maps = [one.outputs['prompt_attention'] for one in (seen, guided)]
    loss = encoded.model.losses['consistency'](*maps, seen.runs)
    loss = loss / encoded.config['alpha2']
    close(loss, data['loss_con'])
    value = (data['probe.video'] * video).sum() + (data['probe.verb'] * verb).sum()
    value = value + loss
    close(value, data['probe.value'])
    value.backward()
    encoded.gradients()


def test_without_hooks_it_is_clip(encoded):
    tower = encoded.model.vision_tower
    tower.hooks = torch.nn.ModuleList()
    close(tower.encode(encoded.data['in.frames'])[0], encoded.data['plain.feature'])


@pytest.fixture(params=PRETEXT)
def step(request, tmp_path):
    return Case(request.param, tmp_path, recorded=False)


def batch_of(case):
    inputs, samples = {}, []
    items, data = case.meta['items'], case.data
    for name, key in (('positive', 'pos'), ('intra', 'intra')):
        spans = [item[key] or (0, 0) for item in items]
        parts = [('', 'frames'), ('_motion', 'clip_features')]
        for suffix, source in parts:
            inputs[name + suffix] = [
                data[f'in.{source}.{item["video"]}'][slice(*span)]
                for item, span in zip(items, spans)
            ]
    inputs['token_ids'] = list(data['in.ids'])
    for item, place in zip(items, data['in.verb_pos'].tolist()):
        meta = dict(video_id=item['video'], verb_position=place)
        samples.append(GroundingDataSample(metainfo=meta))
    inter = torch.tensor([item['inter'] for item in items])
    batch = case.model.data_preprocessor(dict(inputs=inputs, data_samples=samples))
    del batch['inputs']['token_ids_mask']  # all positions are recorded
    return batch, inter


def test_losses_and_gradients_of_a_step(step, monkeypatch):
    batch, inter = batch_of(step)
    monkeypatch.setattr(step.model, 'draw_inter', lambda ids: inter)
    losses = step.model(**batch, mode='loss')
    weights = dict(ce=1.0, tri=step.config['alpha1'], con=step.config['alpha2'])
    for name, theirs in LOSSES.items():
        close(losses[name], weights[theirs] * step.data[f'loss_{theirs}'])
    total = sum(losses.values())
    close(total, step.data['loss_total'])
    total.backward()
    step.gradients()


def test_moment_vectors_and_scores(step):
    batch, _ = batch_of(step)
    moments, queries = step.model(**batch, mode='tensor')
    unit = step.data['t_q'] / step.data['t_q'].norm(dim=-1, keepdim=True)
    close(queries, unit)
    for index, (moment, query) in enumerate(zip(moments, queries)):
        close(moment, step.data[f'item{index}.m_vid'][0])
        score = (moment / moment.norm()) @ query
        close(score, step.data[f'item{index}.s_vid'][0])
