"""Action cues, temporal prompts, plain prompts and adapters in an image tower."""

import json

import open_clip
import pytest
import torch

from mmvtg.models.tower_hooks import TemporalPrompt, VisualPrompt
from mmvtg.models.tower_hooks.temporal_prompt import neighbour_frames
from mmvtg.models.towers import CLIPTextTower, CLIPVisionTower

SIZE = dict(width=32, num_layers=3)
ACTION = dict(type='ActionPrompt', motion_dim=6, text_width=24, **SIZE)
TEMPORAL = dict(type='TemporalPrompt', **SIZE)
PLAIN = dict(type='VisualPrompt', **SIZE)


@pytest.fixture(scope='module', autouse=True)
def small_clip(tmp_path_factory):
    config = dict(
        embed_dim=16,
        vision_cfg=dict(image_size=32, patch_size=8, layers=3, width=32, head_width=8),
        text_cfg=dict(context_length=12, vocab_size=64, width=24, heads=3, layers=2),
    )
    path = tmp_path_factory.mktemp('clip') / 'acting-clip.json'
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)


@pytest.fixture
def make_tower():
    def make(*hooks, **settings):
        torch.manual_seed(0)
        tower = CLIPVisionTower('acting-clip', hooks=hooks, **settings)
        for parameter in tower.hooks.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
        return tower

    return make


@pytest.fixture
def frames():
    return torch.randn(7, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def motion():
    return torch.randn(7, 6, generator=torch.Generator().manual_seed(2))


def test_neighbours_end_with_their_run():
    runs = torch.tensor([4, 4, 4, 5, 9, 9])
    found = neighbour_frames(runs, 1).tolist()
    assert found == [[0, 0, 1], [0, 1, 2], [1, 2, 2], [3, 3, 3], [4, 4, 5], [4, 5, 5]]
    assert neighbour_frames(runs, 2)[1].tolist() == [0, 0, 1, 2, 2]
    assert neighbour_frames(runs, 0).flatten().tolist() == list(range(6))


@pytest.mark.parametrize('hook', [PLAIN, dict(PLAIN, num_prompts=2, deep=True), ACTION])
def test_runs_do_not_know_each_other(make_tower, frames, motion, hook):
    tower = make_tower(hook, TEMPORAL)
    inputs = dict(motion=motion) if hook is ACTION else {}
    runs = torch.tensor([0, 0, 0, 1, 2, 2, 2])
    with torch.no_grad():
        together = tower.encode(frames, runs, inputs)[0]
        for part in (slice(0, 3), slice(3, 4), slice(4, 7)):
            own = {key: value[part] for key, value in inputs.items()}
            alone = tower.encode(frames[part], inputs=own)[0]
            assert torch.allclose(together[part], alone, atol=1e-5)
        order = [4, 5, 6, 3, 0, 1, 2]
        mixed = {key: value[order] for key, value in inputs.items()}
        other = tower.encode(frames[order], torch.tensor([0, 0, 0, 1, 2, 2, 2]), mixed)
    assert torch.allclose(together[order], other[0], atol=1e-5)


def test_a_frame_feels_its_neighbours_and_no_more(make_tower, frames):
    tower = make_tower(PLAIN, TEMPORAL)
    other = frames.clone()
    other[0] = -other[0]
    with torch.no_grad():
        moved = (tower.encode(frames)[0] - tower.encode(other)[0]).abs().amax(dim=1)
    # three layers, and two steps of one frame between them
    assert (moved[:3] > 1e-4).all()
    assert (moved[3:] < 1e-6).all()
    assert tower.margin == 2


@pytest.mark.parametrize('neighbours', [0, 1, 2])
def test_long_runs_in_pieces_are_the_same(make_tower, frames, motion, neighbours):
    temporal = dict(TEMPORAL, neighbours=neighbours)
    tower = make_tower(ACTION, temporal)
    frames = torch.cat([frames, frames.flip(0), frames.roll(3, 0)])
    motion = torch.cat([motion, motion, motion.flip(0)])
    runs = torch.tensor([0] * 19 + [1] * 2)
    with torch.no_grad():
        tower.chunk_size = 100
        whole = tower.encode_runs(frames, runs, dict(motion=motion))
        tower.chunk_size = 3
        cut = tower.encode_runs(frames, runs, dict(motion=motion))
    assert torch.allclose(whole[0], cut[0], atol=1e-5)
    for name in ('prompt_attention', 'chosen_patches'):
        assert whole[2][name].shape == cut[2][name].shape
    assert torch.equal(whole[2]['chosen_patches'], cut[2]['chosen_patches'])


def test_without_mlp_and_positions_temporal_tokens_are_patches(make_tower, frames):
    tower = make_tower(PLAIN, TEMPORAL)
    hook = tower.hooks[1]
    for parameter in (*hook.mlp.linear_out.parameters(), hook.positions):
        parameter.data.zero_()
    seen = []

    def look(module, args, output):
        seen.append(output)

    hook.mlp.register_forward_hook(look)
    made = hook._prompts
    kept = []
    hook._prompts = lambda *args: kept.append((args[1], made(*args))) or kept[-1][1]
    tower.encode(frames)
    window = neighbour_frames(torch.zeros(7, dtype=torch.int64), 1)
    assert len(kept) == 2 and all((one == 0).all() for one in seen)
    for chosen, prompts in kept:
        assert torch.equal(prompts, chosen[window])


def test_the_choice_is_the_first_highest_patch(make_tower, frames):
    tower = make_tower(PLAIN, TEMPORAL)
    for block in tower.blocks:  # no query: all patches are alike
        block.attn.in_proj_weight.data[:32] = 0
        block.attn.in_proj_bias.data[:32] = 0
    _, context = tower.encode(frames)
    assert (context.outputs['chosen_patches'] == 0).all()
    tokens = 1 + 1 + 16 + 3
    assert torch.allclose(
        context.outputs['prompt_attention'][:, 1:], torch.tensor(1 / tokens)
    )


def test_one_frame_is_its_own_neighbour(make_tower, frames):
    tower = make_tower(PLAIN, TEMPORAL)
    pooled = tower.encode(frames[:1])[0]
    assert pooled.shape == (1, 16) and pooled.isfinite().all()
    thrice = tower.encode(frames[:1].expand(3, -1, -1, -1))[0]
    assert torch.allclose(thrice, pooled.expand(3, -1), atol=1e-5)


def test_verb_prompts_are_new_in_each_layer(make_tower, frames):
    tower = make_tower(ACTION)
    states = torch.randn(2, 2, 24)
    runs = torch.tensor([0, 0, 0, 0, 1, 1, 1])
    with torch.no_grad():
        pooled, context = tower.encode(frames, runs, dict(verb_states=states))
        assert context.outputs['prompt_attention'].shape == (7, 3, 16)
        # layers 1, 2, 3 of three read text layers 1, 2, 2 of two
        for text, layers in ((0, [0]), (1, [1, 2])):
            changed = states.clone()
            changed[1, text] += 1
            other, after = tower.encode(frames, runs, dict(verb_states=changed))
            assert torch.equal(other[:4], pooled[:4])
            assert not torch.allclose(other[4:], pooled[4:], atol=1e-4)
            maps = (
                after.outputs['prompt_attention'] - context.outputs['prompt_attention']
            )[4:]
            first = layers[0]
            assert (maps[:, :first].abs() < 1e-7).all()
            assert maps[:, first].abs().max() > 1e-5


def test_the_video_branch_carries_its_prompt_on(make_tower, frames, motion):
    tower = make_tower(ACTION)
    with torch.no_grad():
        pooled = tower.encode(frames, inputs=dict(motion=motion))[0]
        tower.hooks[0].verb_prompts[1].weight.data += 1
        assert torch.equal(tower.encode(frames, inputs=dict(motion=motion))[0], pooled)
        half = tower.encode(frames, inputs=dict(motion=motion.half()))[0]
    assert torch.allclose(half, pooled, atol=1e-2)


@pytest.mark.parametrize(
    'inputs, message',
    [
        ({}, 'needs one of `motion`'),
        (dict(motion=torch.zeros(7, 6), verb_states=torch.zeros(1, 2, 24)), 'one of'),
        (dict(motion=torch.zeros(7, 5)), 'one vector a frame'),
        (dict(motion=torch.zeros(6, 6)), 'one vector a frame'),
        (dict(verb_states=torch.zeros(1, 2, 23)), 'text_width'),
    ],
)
def test_unfit_inputs_are_named(make_tower, frames, inputs, message):
    with pytest.raises(ValueError, match=message):
        make_tower(ACTION).encode(frames, inputs=inputs)


def test_unfit_settings_are_named(make_tower, frames):
    with pytest.raises(ValueError, match="branch is 'verb'"):
        make_tower(dict(ACTION, branch='verb')).encode(
            frames, inputs=dict(motion=torch.zeros(7, 6))
        )
    with pytest.raises(ValueError, match="'video', 'verb'"):
        make_tower(dict(ACTION, branch='text'))
    with pytest.raises(ValueError, match='put ActionPrompt or VisualPrompt'):
        make_tower(TEMPORAL).encode(frames)
    with pytest.raises(ValueError, match='keep_attention'):
        make_tower(dict(PLAIN, keep_attention=False), TEMPORAL).encode(frames)
    with pytest.raises(ValueError, match='neighbours'):
        TemporalPrompt(**SIZE, neighbours=-1)
    with pytest.raises(ValueError, match='num_prompts'):
        VisualPrompt(**SIZE, num_prompts=0)


@pytest.mark.parametrize('deep', [False, True])
def test_plain_prompts(make_tower, frames, deep):
    tower = make_tower(dict(PLAIN, num_prompts=2, deep=deep))
    prompts = tower.hooks[0].prompts
    assert prompts.shape == (3 if deep else 1, 2, 32)
    pooled, context = tower.encode(frames)
    with torch.no_grad():
        tokens = tower._embed(frames)
        for index, block in enumerate(tower.blocks):
            if index == 0:
                parts = [tokens[:, :1], prompts[0].expand(7, -1, -1), tokens[:, 1:]]
                tokens = torch.cat(parts, 1)
            elif deep:
                tokens = tokens.clone()
                tokens[:, 1:3] = prompts[index]
            tokens = block(tokens)
        expected = tower.project(tokens[:, 0])
    assert torch.allclose(pooled, expected, atol=1e-5)
    pooled.sum().backward()
    assert prompts.grad.flatten(1).norm(dim=1).min() > 0


def test_an_adapter_adds_nothing_at_the_start(frames):
    hook = dict(type='Adapter', hidden_channels=4, **SIZE)
    torch.manual_seed(3)
    tower = CLIPVisionTower('acting-clip', hooks=[hook])
    adapted = tower.encode(frames)[0]
    hooks, tower.hooks = tower.hooks, torch.nn.ModuleList()
    assert torch.equal(tower.encode(frames)[0], adapted)
    tower.hooks = hooks
    tower.encode(frames)[0].sum().backward()
    assert all(
        layer.linear_out.weight.grad.abs().sum() > 0 for layer in hooks[0].layers
    )
    hooks[0].layers[1].linear_out.weight.data += torch.randn(32, 4)
    assert not torch.allclose(tower.encode(frames)[0], adapted, atol=1e-3)


def test_recomputing_gives_the_same_gradients(make_tower, frames, motion):
    found = []
    for recompute in (False, True):
        tower = make_tower(ACTION, TEMPORAL, recompute=recompute)
        pooled, context = tower.encode(frames, inputs=dict(motion=motion))
        (pooled.sum() + context.outputs['prompt_attention'].square().sum()).backward()
        found.append([p.grad for p in tower.hooks.parameters() if p.grad is not None])
        assert all(p.grad is None for p in tower.clip.parameters())
    assert len(found[0]) == len(found[1]) > 4
    for one, other in zip(*found):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize('state', ['output', 'input'])
def test_states_of_a_token(state):
    tap = dict(type='TokenTap', state=state)
    tower = CLIPTextTower('acting-clip', hooks=[tap])
    query = torch.tensor([[62, 5, 6, 7, 63], [62, 9, 63, 0, 0]])
    outputs, places = {}, torch.tensor([3, 1])
    tower(query, query > 0, dict(token_places=places), outputs)
    with torch.no_grad():
        tokens = tower.clip.token_embedding(query) + tower.clip.positional_embedding[:5]
        causal, seen = torch.full((5, 5), -torch.inf).triu(1), [tokens]
        for block in tower.blocks:
            seen.append(block(seen[-1], attn_mask=causal))
    seen = torch.stack(seen[1:] if state == 'output' else seen[:-1], 1)
    expected = seen[torch.arange(2), :, places]
    assert torch.allclose(outputs['token_states'], expected, atol=1e-5)
    with pytest.raises(ValueError, match='text 1 of the batch has no token 3'):
        tower(query, query > 0, dict(token_places=torch.tensor([1, 3])))
    with pytest.raises(ValueError, match='token_places'):
        tower(query, query > 0)
    with pytest.raises(ValueError, match='TokenTap'):
        CLIPTextTower('acting-clip', hooks=[dict(type='TokenTap', state='middle')])
