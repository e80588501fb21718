"""Dropout with masks of our own."""

import pytest
import torch

from mmvtg.models.layers import Dropout


@pytest.mark.parametrize('p', [0.1, 0.5])
def test_chance_scale_and_gradient(p):
    torch.manual_seed(0)
    x = torch.full((301, 999), 2.0, requires_grad=True)
    y = Dropout(p)(x)
    dropped = y == 0
    assert abs(dropped.float().mean().item() - p) < 3e-3
    assert torch.allclose(y[~dropped], torch.tensor(2 / (1 - p)), rtol=1e-4)
    # neighbours in a word are drawn apart
    both = (dropped[:, 1:] & dropped[:, :-1]).float().mean().item()
    assert abs(both - p * p) < 3e-3
    y.sum().backward()
    assert torch.allclose(x.grad, y.detach() / 2)


def test_off():
    x = torch.randn(3, 5)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
    assert not Dropout(1.0)(x).any()
    assert Dropout(0.5)(torch.zeros(0, 4)).shape == (0, 4)


def test_the_seed_decides_and_masks_differ():
    drop, x = Dropout(0.5), torch.ones(4, 33, dtype=torch.bfloat16)
    torch.manual_seed(3)
    one, two = drop(x), drop(x)
    torch.manual_seed(3)
    assert torch.equal(drop(x), one) and not torch.equal(one, two)
    assert one.dtype == torch.bfloat16
