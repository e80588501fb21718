"""Pretext tasks: what is compared with what, and what learns."""

import json

import open_clip
import pytest
import torch
from mmengine.runner.checkpoint import get_state_dict, load_state_dict

from mmvtg.models.grounders.video_text_matcher import distinct_queries
from mmvtg.models.losses import AttentionConsistencyLoss, MomentRankingLoss
from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

SIZE = dict(width=32, num_layers=3)
ACTION = dict(type='ActionPrompt', motion_dim=6, text_width=24, **SIZE)
TEMPORAL = dict(type='TemporalPrompt', **SIZE)
LOSSES = dict(
    contrast=dict(type='QueryContrastLoss'),
    ranking=dict(type='MomentRankingLoss'),
    consistency=dict(type='AttentionConsistencyLoss'),
)
UNGUIDED = dict(LOSSES, consistency=None)


@pytest.fixture(scope='module', autouse=True)
def small_clip(tmp_path_factory):
    config = dict(
        embed_dim=16,
        vision_cfg=dict(image_size=16, patch_size=8, layers=3, width=32, head_width=8),
        text_cfg=dict(context_length=12, vocab_size=64, width=24, heads=3, layers=3),
    )
    path = tmp_path_factory.mktemp('clip') / 'matched-clip.json'
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)


def make_model(*hooks, losses=LOSSES, seed=0, **settings):
    torch.manual_seed(seed)
    return MODELS.build(
        dict(
            type='VideoTextMatcher',
            vision_tower=dict(
                type='CLIPVisionTower', model='matched-clip', hooks=hooks
            ),
            text_tower=dict(
                type='CLIPTextTower',
                model='matched-clip',
                hooks=[dict(type='TokenTap')],
            ),
            losses=losses,
            **settings,
        )
    )


def make_batch(model, lengths=(3, 1, 2), free=(3, 0, 1), videos='abc', seed=0):
    rng = torch.Generator().manual_seed(seed)

    def frames(count):
        shape = (count, 3, 16, 16)
        return torch.randint(0, 256, shape, generator=rng, dtype=torch.uint8)

    def motion(count):
        return torch.randn(count, 6, generator=rng)

    inputs = dict(
        positive=[frames(n) for n in lengths],
        positive_motion=[motion(n) for n in lengths],
        intra=[frames(n) for n in free],
        intra_motion=[motion(n) for n in free],
        token_ids=[
            torch.tensor([62, 5 + i, *[9] * i, 63]) for i in range(len(lengths))
        ],
    )
    samples = [
        GroundingDataSample(
            metainfo=dict(video_id=name, query_id=i, query='q', verb_position=1)
        )
        for i, name in enumerate(videos)
    ]
    data = dict(inputs=inputs, data_samples=samples)
    return model.data_preprocessor(data, training=True)


def total(losses):
    return sum(losses.values())


def test_only_hooks_learn_and_are_saved():
    model = make_model(ACTION, TEMPORAL)
    frozen = {n: p.clone() for n, p in model.named_parameters() if not p.requires_grad}
    total(model(**make_batch(model), mode='loss')).backward()
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert all(name.startswith('vision_tower.hooks.') for name in trained)
    assert get_state_dict(model).keys() == trained.keys()
    for name, parameter in trained.items():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    for name, parameter in model.named_parameters():
        if name in frozen:
            assert torch.equal(parameter, frozen[name]) and parameter.grad is None


def test_what_was_trained_loads_back(tmp_path):
    model, other = make_model(ACTION, TEMPORAL), make_model(ACTION, TEMPORAL, seed=1)
    towers = (model.vision_tower, other.vision_tower)
    towers[1].clip.load_state_dict(towers[0].clip.state_dict())
    other.text_tower.clip.load_state_dict(model.text_tower.clip.state_dict())
    load_state_dict(other, get_state_dict(model), strict=True)
    batch = make_batch(model)
    for one, two in zip(model(**batch), other(**batch)):
        assert torch.equal(one, two)
    path = str(tmp_path / 'trained.pth')
    torch.save(dict(state_dict=get_state_dict(model), meta=dict(epoch=1)), path)
    tower = dict(type='CLIPVisionTower', model='matched-clip', hook_weights=path)
    loaded = MODELS.build(dict(tower, hooks=[ACTION, TEMPORAL]))
    assert loaded.describe_hooks() == model.vision_tower.describe_hooks()
    loaded.init_weights()
    assert loaded.describe_hooks() == model.vision_tower.describe_hooks()
    assert [hook['type'] for hook in loaded.describe_hooks()['hooks']] == [
        'ActionPrompt',
        'TemporalPrompt',
    ]
    with pytest.raises(ValueError, match=r'does not fit.*unknown'):
        MODELS.build(dict(tower, hooks=[ACTION]))
    with pytest.raises(ValueError, match='of another shape'):
        MODELS.build(dict(tower, hooks=[ACTION, dict(TEMPORAL, neighbours=2)]))
    with pytest.raises(FileNotFoundError):
        MODELS.build(dict(tower, hook_weights=path + 'x', hooks=[ACTION]))


def test_number_of_parameters_of_the_paper():
    # ViT-B/32, SlowFast R50, T = 1; the paper says 12M, see configs/actprompt/README.md
    hooks = [
        dict(
            type='ActionPrompt',
            width=768,
            motion_dim=2304,
            text_width=512,
            num_layers=12,
        ),
        dict(type='TemporalPrompt', width=768, num_layers=12),
    ]
    built = [MODELS.build(hook) for hook in hooks]
    assert sum(p.numel() for hook in built for p in hook.parameters()) == 11_245_824


@pytest.mark.parametrize(
    'hook', [dict(type='VisualPrompt', **SIZE), dict(type='Adapter', **SIZE)]
)
def test_other_hooks_need_no_motion(hook):
    model = make_model(hook, losses=UNGUIDED)
    batch = make_batch(model)
    expected = model(**batch, mode='loss')
    for name in ('positive_motion', 'intra_motion'):
        del batch['inputs'][name]
    torch.manual_seed(0)
    losses = model(**batch, mode='loss')
    assert losses.keys() == {'loss_contrast', 'loss_ranking'}
    assert torch.equal(losses['loss_contrast'], expected['loss_contrast'])
    total(losses).backward()
    assert all(p.grad is not None for p in model.vision_tower.hooks.parameters())


def test_action_prompts_need_motion_and_verbs():
    model = make_model(ACTION)
    batch = make_batch(model)
    del batch['data_samples'][1].verb_position
    with pytest.raises(KeyError, match='sample 1 has no verb_position'):
        model(**batch, mode='loss')
    batch = make_batch(model)
    del batch['inputs']['positive_motion']
    with pytest.raises(KeyError, match='positive_motion'):
        model(**batch, mode='loss')
    model.text_tower.hooks = torch.nn.ModuleList()
    with pytest.raises(ValueError, match='TokenTap'):
        model(**make_batch(model), mode='loss')


def test_losses_can_be_switched_off():
    model = make_model(ACTION, TEMPORAL)
    every = model(**make_batch(model), mode='loss')
    assert every.keys() == {'loss_contrast', 'loss_ranking', 'loss_consistency'}
    for name in LOSSES:
        model = make_model(ACTION, TEMPORAL, losses=dict(LOSSES, **{name: None}))
        assert model(**make_batch(model), mode='loss').keys() == every.keys() - {
            f'loss_{name}'
        }
    with pytest.raises(ValueError, match='losses are'):
        make_model(ACTION, losses=dict.fromkeys(LOSSES))
    with pytest.raises(ValueError, match='consistency'):
        make_model(dict(type='Adapter', **SIZE))
    with pytest.raises(ValueError, match='consistency_on'):
        make_model(ACTION, consistency_on='negative')


@pytest.mark.parametrize('hooks', [[ACTION, TEMPORAL], [ACTION]])
def test_ranking_by_hand(hooks, monkeypatch):
    model = make_model(*hooks, losses=dict(ranking=LOSSES['ranking']))
    batch = make_batch(model)
    monkeypatch.setattr(model, 'draw_inter', lambda ids: torch.tensor([2, 0, -1]))
    loss = model(**batch, mode='loss')['loss_ranking']
    tower, inputs = model.vision_tower, batch['inputs']
    queries, states = model.encode_queries(inputs, batch['data_samples'], True)

    def moment(name, row, **given):
        mask = inputs[f'{name}_mask'][row]
        if not given:
            given = dict(motion=inputs[f'{name}_motion'][row][mask])
        frames = tower.encode(inputs[name][row][mask], inputs=given)[0]
        return torch.nn.functional.normalize(frames, dim=-1).mean(0)

    expected = 0
    compared = [
        [('positive', 0), ('intra', 0), ('positive', 2)],
        [('positive', 1), ('positive', 0)],
        [('positive', 2), ('intra', 2)],
    ]
    for i, triple in enumerate(compared):
        for given in ({}, dict(verb_states=states[i : i + 1])):
            moments = torch.stack([moment(*one, **given) for one in triple])
            cosines = torch.cosine_similarity(moments, queries[i][None])
            expected = expected - cosines.log_softmax(0)[0] / 3
    assert torch.allclose(loss, expected, atol=1e-5)


def test_a_batch_of_one_video_has_no_inter_moment():
    model = make_model(ACTION, TEMPORAL)
    assert model.draw_inter('aaa').tolist() == [-1, -1, -1]
    losses = model(**make_batch(model, videos='aaa'), mode='loss')
    total(losses).backward()
    assert total(losses).isfinite() and losses['loss_ranking'] > 0
    alone = make_batch(model, lengths=(1,), free=(0,), videos='a')
    losses = model(**alone, mode='loss')
    assert losses['loss_ranking'] == 0 and losses['loss_contrast'] == 0
    total(losses).backward()
    assert all(p.grad.isfinite().all() for p in model.vision_tower.hooks.parameters())


def test_inter_moments_are_of_other_videos():
    model = make_model(ACTION)
    names = ['a', 'a', 'b', 'c', 'b']
    drawn = torch.stack([model.draw_inter(names) for _ in range(60)])
    for i, own in enumerate(names):
        others = {j for j, other in enumerate(names) if other != own}
        assert set(drawn[:, i].tolist()) == others


def test_padding_and_batch_mates_change_no_moment():
    model = make_model(ACTION, TEMPORAL)
    batch = make_batch(model)
    moments, queries = model(**batch)
    for row in range(3):
        own = {k: v[row : row + 1] for k, v in batch['inputs'].items()}
        samples = batch['data_samples'][row : row + 1]
        moment, query = model(own, samples)
        assert torch.allclose(moment[0], moments[row], atol=1e-5)
        assert torch.allclose(query[0], queries[row], atol=1e-5)
    samples = model(**batch, mode='predict')
    assert torch.equal(samples[2].video_embedding, moments[2])
    assert torch.equal(samples[2].text_embedding, queries[2])
    with pytest.raises(ValueError, match='mode='):
        model(**batch, mode='train')


def test_consistency_may_look_at_all_moments():
    model = make_model(ACTION)
    batch = make_batch(model)
    found = []
    for where in ('positive', 'all'):
        model.consistency_on = where
        found.append(model(**batch, mode='loss')['loss_consistency'])
    assert found[0] > 0 and found[0] != found[1]


def test_consistency_loss_by_hand():
    a, b = torch.rand(3, 2, 4), torch.rand(3, 2, 4)
    runs = torch.tensor([0, 0, 1])
    each = (a - b).square().mean(-1).sum(-1)
    expected = (each[:2].mean() + each[2]) / 2
    loss = AttentionConsistencyLoss(loss_weight=3.0)
    assert torch.allclose(loss(a, b, runs), 3 * expected)
    sums = AttentionConsistencyLoss(renormalise=True)
    assert torch.allclose(sums(a, 5 * a, runs), torch.tensor(0.0), atol=1e-6)


def test_equal_queries_are_one():
    ids = torch.tensor([[5, 1], [4, 2], [5, 1], [4, 3]])
    rows, target = distinct_queries(ids)
    assert sorted(rows.tolist()) == [0, 1, 3]
    assert torch.equal(ids[rows[target]], ids)


def test_frames_without_motion_and_moments_without_frames_are_named():
    model = make_model(ACTION)
    rows = [torch.zeros(2, 3, 16, 16, dtype=torch.uint8)]
    inputs = dict(
        positive=rows, positive_motion=[torch.zeros(1, 6)], intra=rows, token_ids=rows
    )
    with pytest.raises(ValueError, match=r'of \[2\] frames with \[1\] motion'):
        model.data_preprocessor(dict(inputs=inputs))
    batch = make_batch(model)
    batch['inputs']['positive_mask'][1] = False
    with pytest.raises(ValueError, match='sample 1 of the batch has no frame'):
        model(**batch, mode='loss')
    with pytest.raises(ValueError, match='temperature'):
        MomentRankingLoss(temperature=0.0)
