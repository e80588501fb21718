"""Losses of STALE against equations written out, and what they must not see."""

import math

import pytest
import torch

from mmvtg.models.losses import (
    ActionMaskLoss,
    BranchConsistencyLoss,
    SnippetCELoss,
    WholeMaskLoss,
)

T = 7


def example(seed=0):
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, T, T, generator=rng)
    target = torch.rand(2, T, T, generator=rng) > 0.6
    action = torch.tensor([[0, 1, 1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0, 0]]).bool()
    mask = torch.ones(2, T, dtype=torch.bool)
    return logits, target, action, mask


def slow_mask_loss(logits, target, action, mask):
    rows = []
    for b, t in action.nonzero().tolist():
        real = mask[b].nonzero()[:, 0].tolist()
        m = [logits[b, i, t].sigmoid().item() for i in real]
        g = [float(target[b, i, t]) for i in real]
        size, positive = len(real), sum(g)
        fg, bg = size / max(positive, 1), size / max(size - positive, 1)
        entropy = -sum(
            fg * y * math.log(p) + bg * (1 - y) * math.log(1 - p) for p, y in zip(m, g)
        )
        product = sum(p * y for p, y in zip(m, g))
        squares = sum(p * p + y * y for p, y in zip(m, g))
        dice = 1 - (2 * product + 1) / (squares + 1)
        rows.append(entropy / size + 0.4 * dice)
    return sum(rows) / max(len(rows), 1)


@pytest.mark.parametrize('seed', range(3))
def test_mask_loss_equals_its_equation(seed):
    arguments = example(seed)
    assert ActionMaskLoss()(*arguments).item() == pytest.approx(
        slow_mask_loss(*arguments), rel=1e-5
    )


def test_mask_loss_with_padding_equals_its_equation():
    logits, target, action, mask = example()
    mask[0, 6:] = mask[1, 4:] = False
    action &= mask
    expected = slow_mask_loss(logits, target, action, mask)
    assert ActionMaskLoss()(logits, target, action, mask).item() == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize('kind', [ActionMaskLoss, WholeMaskLoss])
def test_mask_losses_do_not_see_padding(kind):
    logits, target, action, mask = example()
    mask[:, 5:] = False
    action &= mask
    first = kind()(logits, target, action, mask)
    logits, target = logits.clone(), target.clone()
    logits[:, 5:], logits[:, :, 5:] = 30.0, -30.0
    target[:, 5:] = ~target[:, 5:]
    assert torch.equal(first, kind()(logits, target, action, mask))


def test_perfect_mask_costs_almost_nothing_and_no_action_costs_zero():
    _, target, action, mask = example()
    perfect = torch.where(target, 30.0, -30.0)
    assert ActionMaskLoss()(perfect, target, action, mask) < 1e-4
    logits = perfect.requires_grad_()
    loss = ActionMaskLoss()(logits, target, torch.zeros_like(action), mask)
    loss.backward()
    assert loss == 0 and (logits.grad == 0).all()


def test_class_loss_counts_real_snippets():
    logits = torch.randn(1, 4, 3)
    target, mask = (
        torch.tensor([[0, 1, 2, 2]]),
        torch.tensor([[True, True, True, False]]),
    )
    expected = -logits.log_softmax(-1)[0, [0, 1, 2], [0, 1, 2]].mean()
    torch.testing.assert_close(SnippetCELoss()(logits, target, mask), expected)


def test_branches_that_agree_cost_nothing():
    clips = torch.randn(1, T, 5)
    logits = torch.zeros(1, T, 3)
    logits[..., 2] = 20.0  # background
    logits[0, 3, 0] = 60.0
    masks = torch.full((1, T, T), -20.0)
    masks[0, 2, 3] = 20.0
    mask = torch.ones(1, T, dtype=torch.bool)
    loss = BranchConsistencyLoss()
    assert loss(logits, masks, clips, mask).item() == pytest.approx(0, abs=1e-5)
    masks = torch.full((1, T, T), -20.0)
    masks[0, 2, 5] = 20.0
    expected = 1 - torch.cosine_similarity(clips[0, 3], clips[0, 5], dim=0)
    assert loss(logits, masks, clips, mask).item() == pytest.approx(
        expected.item(), abs=1e-4
    )


def slow_consistency(logits, mask_logits, clips, mask, top_k, theta_c, theta_m):
    total = 0.0
    for b in range(len(logits)):
        real = mask[b].nonzero()[:, 0].tolist()
        by_class = {t: logits[b, t].softmax(0)[:-1].max().item() for t in real}
        by_mask = {
            t: max(mask_logits[b, i, t].sigmoid().item() for i in real) for t in real
        }
        means = []
        for scores, least in ((by_class, theta_c), (by_mask, theta_m)):
            best = sorted(real, key=lambda t, s=scores: -s[t])[:top_k]
            kept = best[:1] + [t for t in best[1:] if scores[t] > least]
            rows = torch.stack([scores[t] * clips[b, t] for t in kept])
            means.append(rows.sum(0))
        total += 1 - torch.cosine_similarity(*means, dim=0).item()
    return total / len(logits)


@pytest.mark.parametrize('theta_m', [0.5, 0.99])
def test_consistency_equals_its_equation(theta_m):
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, T, 4, generator=rng)
    mask_logits = torch.randn(2, T, T, generator=rng)
    clips = torch.randn(2, T, 5, generator=rng)
    mask = torch.ones(2, T, dtype=torch.bool)
    mask[0, 5:] = False
    # What lies in the padding would win, and a value at the threshold does not count.
    logits[0, 5:, 0] = mask_logits[0, 5:] = mask_logits[0, :, 5:] = 9.0
    mask_logits[1] = -2.0
    mask_logits[1, 0, :3] = torch.tensor([1.0, 0.0, 0.5])
    loss = BranchConsistencyLoss(3, 0.4, theta_m, loss_weight=2.0)
    expected = slow_consistency(logits, mask_logits, clips, mask, 3, 0.4, theta_m)
    found = loss(logits, mask_logits, clips, mask).item()
    assert found == pytest.approx(2 * expected, rel=1e-5)


def test_mask_loss_of_one_background_clip():
    logits, target, action, mask = example()
    target[0, :, 1] = True
    target[0, 0, 1] = False
    action = torch.zeros_like(action)
    action[0, 1] = True
    expected = slow_mask_loss(logits, target, action, mask)
    found = ActionMaskLoss()(logits, target, action, mask).item()
    assert found == pytest.approx(expected, rel=1e-5)


def test_whole_mask_loss_equals_its_equation():
    logits, target, action, mask = example()
    mask[0, 5:] = False
    entropy, dice = [], 0.0
    positive, count = 10, 20
    for b in range(2):
        real = mask[b].nonzero()[:, 0].tolist()
        pairs = [
            (logits[b, i, t].sigmoid().item(), float(target[b, i, t]))
            for i in real
            for t in real
        ]
        entropy += pairs
        positive += sum(g for _, g in pairs)
        count += len(pairs)
        product = sum(p * g for p, g in pairs)
        squares = sum(p * p + g * g for p, g in pairs)
        dice += (1 - (product + 1) / (squares + 1)) / 2
    ratio = count / positive
    total = -sum(
        0.5 * ratio * g * math.log(p)
        + 0.5 * ratio / (ratio - 1) * (1 - g) * math.log(1 - p)
        for p, g in entropy
    )
    expected = 3 * (0.3 * total / count + 0.7 * dice)
    found = WholeMaskLoss(0.3, 0.7, loss_weight=3.0)(logits, target, action, mask)
    assert found.item() == pytest.approx(expected, rel=1e-4)
