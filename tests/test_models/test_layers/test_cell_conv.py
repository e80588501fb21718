"""Convolutions over used cells against the same on the whole map."""

import pytest
import torch
import torch.nn.functional as F

from mmvtg.models.layers import CellConvStack
from mmvtg.models.task_modules import proposal_mask


def dense(stack, x, mask, training):
    """MMN's masked convolutions, map by map (specification of the authors' code)."""
    size = len(mask)
    grid = x.new_zeros(len(x), x.size(2), size, size)
    grid[:, :, mask] = x.transpose(1, 2)
    valid = mask[None, None].to(x.dtype)
    kernel = stack.convs[0].kernel_size[0]
    pad = (kernel - 1) * len(stack.convs) // 2
    ones = torch.ones(1, 1, kernel, kernel, dtype=x.dtype)
    statistics = []
    for conv, norm in zip(stack.convs, stack.norms):
        y = F.conv2d(grid, conv.weight, conv.bias, padding=pad)
        mean, var = norm.running_mean.clone(), norm.running_var.clone()
        y = F.batch_norm(
            y, mean, var, norm.weight, norm.bias, training, norm.momentum, norm.eps
        )
        statistics += [mean, var]
        count = F.conv2d(valid, ones, padding=pad).round()
        valid, pad = (count > 0).to(x.dtype), 0
        grid = y.relu() * torch.where(count > 0, 1 / count.clamp(min=1), 0 * count)
    return grid[:, :, mask].transpose(1, 2), statistics


@pytest.fixture(params=[(8, [7], 3, 3), (16, [3, 2, 2], 5, 2), (12, [4, 3], 3, 4)])
def stack(request):
    size, counts, kernel, layers = request.param
    torch.manual_seed(0)
    mask = proposal_mask(size, counts)
    stack = CellConvStack(mask, 4, 6, kernel, layers).double()
    for norm in stack.norms:
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.normal_(norm.bias)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return stack, mask, torch.randn(3, int(mask.sum()), 4).double()


@pytest.mark.parametrize('training', [True, False])
def test_values_gradients_and_statistics(stack, training):
    stack, mask, x = stack
    stack.train(training)
    results = []
    for run in (lambda x: dense(stack, x, mask, training), lambda x: (stack(x), None)):
        stack.zero_grad()
        x = x.detach().requires_grad_()
        out, statistics = run(x)
        (out * torch.arange(out.numel()).view_as(out).sin()).sum().backward()
        grads = [p.grad.clone() for p in stack.parameters()]
        results.append([out, x.grad, *grads])
        expected = expected if statistics is None else statistics  # noqa: F821
    for theirs, ours in zip(*results):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    ours = [s for n in stack.norms for s in (n.running_mean, n.running_var)]
    for theirs, own in zip(expected, ours):
        torch.testing.assert_close(own, theirs)


def test_chunks_do_not_matter(stack, monkeypatch):
    stack, _, x = stack
    whole = stack(x)
    monkeypatch.setattr('mmvtg.models.layers.cell_conv._CHUNK_FLOATS', 500)
    torch.testing.assert_close(stack(x), whole)


def test_evaluation_leaves_cells_out(stack):
    stack, mask, _ = stack
    assert len(stack.needed_index_0) <= len(stack.all_index_0)
    last = len(stack.convs) - 1
    assert len(getattr(stack, f'needed_index_{last}')) == mask.sum()


def test_tables_are_not_in_checkpoints(stack):
    assert all(key.startswith(('convs.', 'norms.')) for key in stack[0].state_dict())


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match='odd'):
        CellConvStack(proposal_mask(4, [3]), 2, 2, 4, 1)
