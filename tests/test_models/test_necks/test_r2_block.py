"""The R2 block: its fast path, its padding, its options."""

import runpy
from pathlib import Path

import pytest
import torch

from mmvtg.models.layers import TokenMLP
from mmvtg.models.necks import R2Block, TemporalPyramid, patch_chunks
from mmvtg.models.necks.patch_attention import attend_patches
from mmvtg.structures import QueryFeatures, VideoFeatures

TOOLS = Path(__file__).parents[3] / 'tools'
LiteralR2Block = runpy.run_path(str(TOOLS / 'benchmarks' / 'r2_tuning.py'))[
    'LiteralR2Block'
]

DIMS = dict(video_dims=10, query_dims=6, channels=8, num_heads=2)


def make_features(batch=2, clips=5, words=4, layers=3, dtype=torch.float32):
    torch.manual_seed(1)
    video = [torch.randn(batch, clips, 6, 10).to(dtype) for _ in range(layers)]
    query = [torch.randn(batch, words, 6).to(dtype) for _ in range(layers)]
    return (
        VideoFeatures(torch.ones(batch, clips, dtype=torch.bool), video),
        QueryFeatures(torch.ones(batch, words, dtype=torch.bool), query),
    )


def make_block(cls=R2Block, seed=0, **options):
    torch.manual_seed(seed)
    block = cls(**{**DIMS, **options})
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return block


def pad(features, extra, fill=7.0):
    """Longer padding that holds nonsense, as masks say that it does not count."""
    layers = [
        torch.cat(
            [x, torch.full_like(x[:, :1], fill).expand(-1, extra, *x.shape[2:])], 1
        )
        for x in features.layers
    ]
    mask = torch.cat([features.mask, features.mask.new_zeros(len(layers[0]), extra)], 1)
    return type(features)(mask=mask, layers=layers)


@pytest.mark.parametrize('num_steps', [1, 3])
@pytest.mark.parametrize('use_tef', [False, True])
def test_block_equals_its_equations(num_steps, use_tef, monkeypatch):
    monkeypatch.setitem(patch_chunks._ROWS, 'cpu', 13)  # chunks within a sample
    video, query = make_features()
    video.mask[1, 3:] = False
    query.mask[0, 2:] = False
    options = dict(num_steps=num_steps, use_tef=use_tef)
    found = []
    for cls in (R2Block, LiteralR2Block):
        block = make_block(cls, **options).double().eval()
        fused = block(video, query)
        weights = torch.linspace(-1, 1, fused.clips.numel()).view_as(fused.clips)
        fields = [fused.clips, fused.words]
        fields += [x for step in fused.steps for x in (step.clips, step.words)]
        sum((weights[..., :1, :1] * x.sin()).sum() for x in fields).backward()
        found.append((fields, dict(block.named_parameters())))
    (fields, parameters), (literal_fields, literal_parameters) = found
    for ours, literal in zip(fields, literal_fields):
        # the position code is made in float32
        assert torch.allclose(ours, literal, rtol=1e-10, atol=1e-10)
    for key, literal in literal_parameters.items():
        if key != 'video_proj.bias':  # cancels in the softmax, frozen in both
            assert torch.allclose(
                parameters[key].grad, literal.grad, rtol=1e-8, atol=1e-9
            ), key


def run_patches(mlp, tokens, extra, keys, seed):
    torch.manual_seed(seed)
    mlp.zero_grad()
    keys = keys.clone().requires_grad_()
    outputs = attend_patches(tokens, extra, keys, mlp)
    sum(output.sin().sum() for output in outputs).backward()
    grads = [p.grad.clone() for p in mlp.parameters() if p.grad is not None]
    return [*outputs, keys.grad, *grads]


def test_dropout_gradients_by_finite_differences():
    torch.manual_seed(0)
    mlp = TokenMLP(5, 4, dropout=0.4).double()
    for p in mlp.parameters():
        p.data += 0.3 * torch.randn_like(p)
    tokens, extra = torch.randn(2, 2, 3, 3).double(), torch.randn(2, 2, 2).double()
    keys = torch.randn(2, 2, 4).double().requires_grad_()
    names = ['norm_in.weight', 'norm_in.bias', 'linear_in.weight', 'linear_in.bias']
    names += ['norm_out.weight', 'norm_out.bias']
    parameters = [mlp.get_parameter(name) for name in names]

    def function(keys, *values):
        torch.manual_seed(3)  # the same masks at every call
        with torch.random.fork_rng():
            return torch.func.functional_call(
                _Attend(mlp, tokens, extra),
                {f'mlp.{name}': value for name, value in zip(names, values)},
                (keys,),
            )

    assert torch.autograd.gradcheck(function, (keys, *parameters), atol=1e-6)


class _Attend(torch.nn.Module):
    def __init__(self, mlp, tokens, extra):
        super().__init__()
        self.mlp, self.tokens, self.extra = mlp, tokens, extra

    def forward(self, keys):
        return attend_patches(self.tokens, self.extra, keys, self.mlp)


def test_dropout_has_its_rate_and_keeps_the_mean():
    torch.manual_seed(0)
    mlp = TokenMLP(16, 8, dropout=0.35)
    tokens = torch.randn(4, 8, 50, 16)
    keys = torch.zeros(4, 1, 8)
    mlp.linear_in.weight.data.zero_()
    mlp.linear_in.bias.data.normal_()
    mlp.norm_out.bias.data.fill_(3.0)
    # the first dropout meets zero weights, so class tokens show the second one alone
    _, cls = attend_patches(tokens, None, keys, mlp)
    _, expected = attend_patches(tokens, None, keys, mlp.eval())
    values = cls.flatten(0, 1)
    dropped = (values == 0).float().mean().item()
    assert dropped == pytest.approx(0.35, abs=0.04)
    kept = values[values != 0] / expected.flatten(0, 1)[values != 0]
    assert torch.allclose(kept, torch.full_like(kept, 1 / 0.65), rtol=1e-4)


def test_training_dropout_is_reproducible_and_varies():
    mlp = TokenMLP(10, 8, dropout=0.5)
    tokens, keys = torch.randn(2, 3, 5, 10), torch.randn(2, 4, 8)
    first = run_patches(mlp, tokens, None, keys, 0)
    again = run_patches(mlp, tokens, None, keys, 0)
    other = run_patches(mlp, tokens, None, keys, 1)
    assert all(torch.equal(a, b) for a, b in zip(first, again))
    assert not torch.equal(first[0], other[0])


def test_tokens_that_want_a_gradient_are_refused():
    mlp = TokenMLP(10, 8)
    tokens = torch.randn(1, 1, 2, 10, requires_grad=True)
    with pytest.raises(ValueError, match='freeze'):
        attend_patches(tokens, None, torch.randn(1, 1, 8), mlp)


def test_half_features_give_float_results_with_and_without_gradient():
    block = make_block(num_steps=2).eval()
    halves, floats = make_features(dtype=torch.float16), make_features()
    assert halves[0].layers[0].dtype == torch.float16
    clips = block(*halves).clips
    assert clips.dtype == torch.float32
    assert torch.allclose(clips, block(*floats).clips, atol=0.05)
    with torch.no_grad():
        assert torch.allclose(block(*halves).clips, clips, atol=1e-6)


def test_autocast_computes_products_in_low_precision():
    block = make_block(num_steps=2)
    features = make_features()
    expected = block.eval()(*features).clips
    with torch.autocast('cpu', torch.bfloat16):
        fused = block(*features)
    assert fused.steps[0].clips.dtype == torch.bfloat16
    assert torch.allclose(fused.clips.float(), expected, atol=0.2)
    block.train()
    with torch.autocast('cpu', torch.bfloat16):
        block(*features).clips.float().sum().backward()
    gradients = [p.grad for p in block.parameters() if p.requires_grad]
    assert all(g.dtype == torch.float32 and g.isfinite().all() for g in gradients)


@pytest.mark.parametrize('spatial_pooling', [True, False])
def test_padding_and_batch_mates_change_nothing(spatial_pooling):
    block = make_block(num_steps=1, spatial_pooling=spatial_pooling).eval()
    pyramid = TemporalPyramid(8, (1, 2, 4)).eval()
    alone = pyramid(block(*make_features(batch=1, clips=7, words=3)))
    video, query = make_features(batch=1, clips=7, words=3)
    video, query = pad(video, 6), pad(query, 5)
    mates, mate_words = make_features(batch=2, clips=13, words=8)
    video = VideoFeatures(
        torch.cat([video.mask, mates.mask]),
        [torch.cat(pair) for pair in zip(video.layers, mates.layers)],
    )
    query = QueryFeatures(
        torch.cat([query.mask, mate_words.mask]),
        [torch.cat(pair) for pair in zip(query.layers, mate_words.layers)],
    )
    fused = pyramid(block(video, query))
    assert torch.allclose(fused.clips[0, :7], alone.clips[0], atol=1e-6)
    for level, mask, single in zip(fused.levels, fused.level_masks, alone.levels):
        assert mask[0].sum() == single.size(1)
        assert torch.allclose(level[0, mask[0]], single[0], atol=1e-6)


def test_official_padding_lets_batch_mates_leak():
    block = make_block(num_steps=2, official_padding=True).eval()
    video, query = make_features(batch=1, clips=7, words=3)
    alone = block(video, query).clips
    assert not torch.allclose(
        block(pad(video, 4), query).clips[:, :7], alone, atol=1e-3
    )
    assert not torch.allclose(block(video, pad(query, 4)).clips, alone, atol=1e-3)


def test_steps_read_the_last_layers_deep_to_shallow():
    block = make_block(num_steps=2).eval()
    video, query = make_features(layers=4)
    expected = block(video, query)
    for i, used in enumerate((False, False, True, True)):
        changed = VideoFeatures(video.mask, list(video.layers))
        changed.layers[i] = changed.layers[i] + torch.randn_like(changed.layers[i])
        found = block(changed, query)
        assert torch.equal(found.clips, expected.clips) != used
    assert torch.equal(expected.words, expected.steps[-1].words)
    assert torch.allclose(expected.steps[0].words, block.query_mlp(query.layers[-1]))


def test_without_spatial_pooling_only_class_tokens_count():
    block = make_block(num_steps=1, spatial_pooling=False).eval()
    video, query = make_features()
    expected = block(video, query).clips
    video.layers[-1][:, :, 1:] += 5
    assert torch.equal(block(video, query).clips, expected)
    video.layers[-1][:, :, 0] += torch.randn(10)
    assert not torch.equal(block(video, query).clips, expected)


def test_every_trainable_parameter_gets_a_gradient():
    for options in (dict(num_steps=3), dict(num_steps=1, spatial_pooling=False)):
        block = make_block(**options)
        block(*make_features()).clips.square().sum().backward()
        for key, parameter in block.named_parameters():
            assert (parameter.grad is not None) == parameter.requires_grad, key


def test_too_few_layers_are_named():
    with pytest.raises(ValueError, match='reads 4 layers.*gives 3'):
        make_block(num_steps=4)(*make_features())
    with pytest.raises(ValueError, match='num_steps'):
        R2Block(num_steps=0)


def test_it_learns():
    torch.manual_seed(0)
    block = make_block(num_steps=2, dropout=0.1)
    features = make_features(batch=4)
    target = torch.randn(4, 5, 8)
    optimizer = torch.optim.Adam(block.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        loss = (block(*features).clips - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize('init_scale, open_', [(0.0, False), (1.0, True)])
def test_attention_learns_from_the_start_only_if_it_is_let_in(init_scale, open_):
    torch.manual_seed(0)
    block = R2Block(**DIMS, num_steps=1, init_scale=init_scale)
    block(*make_features()).clips.square().sum().backward()
    assert bool(block.query_proj.weight.grad.abs().max() > 1e-8) == open_


@pytest.mark.parametrize('spatial_pooling', [True, False])
def test_sharing_videos_changes_nothing(spatial_pooling):
    steps = 3 if spatial_pooling else 1
    options = dict(dropout=0.0, drop_path=0.0, spatial_pooling=spatial_pooling)
    block = make_block(num_steps=steps, **options)
    video, _ = make_features(batch=2)
    video.mask[1, 3:] = False
    _, query = make_features(batch=5)
    query.mask[2, 2:] = False
    video.owners = torch.tensor([1, 0, 1, 1, 0])
    results = []
    for features in (video, video.spread()):
        block.zero_grad()
        fused = block(features, query)
        fused.clips[fused.mask].square().sum().backward()
        grads = [p.grad for p in block.parameters() if p.grad is not None]
        results.append([fused.clips, fused.words, *grads])
    assert len(results[0]) == len(results[1]) > 10
    for shared, plain in zip(*results):
        torch.testing.assert_close(shared, plain, rtol=1e-5, atol=1e-5)
