"""Convolutions over used cells against the same on the whole map."""

import copy
import runpy
from pathlib import Path

import pytest
import torch

from mmvtg.models.layers import CellConvStack
from mmvtg.models.necks.proposal_map import range_max
from mmvtg.models.task_modules import ProposalGrid, proposal_mask

ROOT = Path(__file__).parents[3]


BENCHMARK = runpy.run_path(str(ROOT / 'tools' / 'benchmarks' / 'mmn.py'))


def dense(stack, x, mask):
    """MMN's masked convolutions on the whole map."""
    grid = x.new_zeros(len(x), x.size(2), *mask.shape)
    grid[:, :, mask] = x.transpose(1, 2)
    return BENCHMARK['dense_conv'](stack, grid, mask)[:, :, mask].transpose(1, 2)


def running(stack):
    return [s for n in stack.norms for s in (n.running_mean, n.running_var)]


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

    other = copy.deepcopy(stack)

    def run(stack, forward):
        inputs = x.clone().requires_grad_()
        out = forward(inputs)
        (out * torch.arange(out.numel()).view_as(out).sin()).sum().backward()
        grads = [parameter.grad for parameter in stack.parameters()]
        return [out, inputs.grad, *grads, *running(stack)]

    expected = run(other, lambda inputs: dense(other, inputs, mask))
    for ours, theirs in zip(run(stack, stack), expected):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_map_of_maxima():
    grid, clips = ProposalGrid(12, [3, 2]), torch.randn(2, 12, 3)
    whole = BENCHMARK['dense_map'](clips, grid.mask)
    cells = whole[:, :, grid.mask].transpose(1, 2)
    assert torch.equal(range_max(clips, grid.cells), cells)


def test_chunks_do_not_matter(stack, monkeypatch):
    stack, _, x = stack
    whole = stack(x)
    monkeypatch.setattr('mmvtg.models.layers.cell_conv._CHUNK_FLOATS', 500)
    monkeypatch.setattr('mmvtg.models.layers.cell_conv._CHUNK_CELLS', 1)
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
