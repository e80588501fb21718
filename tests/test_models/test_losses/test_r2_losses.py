"""Losses against slow, obvious loops."""

import math

import pytest
import torch

from mmvtg.models.losses import (
    BCELoss,
    FocalLoss,
    InfoNCELoss,
    SaliencyNCELoss,
    SpanL1Loss,
    focal_loss,
    info_nce,
    masked_mean,
    pair_nce,
    saliency_nce,
)


def cross_entropy(z, y):
    p = 1 / (1 + math.exp(-z))
    return -y * math.log(p) - (1 - y) * math.log(1 - p)


def test_focal_and_soft_cross_entropy():
    torch.manual_seed(0)
    logits = torch.randn(3, 4)
    target = torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0]])
    mask = torch.tensor([[True] * 4, [True, True, False, False], [True] * 4])
    soft = torch.rand(3, 4)
    focal, entropy, weighted = [], [], []
    for z, y, s, m in zip(
        logits.flatten().tolist(),
        target.flatten().tolist(),
        soft.flatten().tolist(),
        mask.flatten().tolist(),
    ):
        p = 1 / (1 + math.exp(-z))
        p_t = p if y else 1 - p
        value = (1 - p_t) ** 2 * cross_entropy(z, y)
        weighted.append(value * (0.9 if y else 0.1))
        if m:
            focal.append(value)
            entropy.append(cross_entropy(z, s))
    loss = FocalLoss(loss_weight=0.5)(logits, target, mask).item()
    assert loss == pytest.approx(0.5 * sum(focal) / len(focal), rel=1e-5)
    loss = BCELoss(loss_weight=2)(logits, soft, mask).item()
    assert loss == pytest.approx(2 * sum(entropy) / len(entropy), rel=1e-5)
    found = focal_loss(logits, target, alpha=0.9).flatten()
    assert torch.allclose(found, torch.tensor(weighted), rtol=1e-5)


def test_masked_mean_of_nothing_is_zero():
    assert masked_mean(torch.ones(3), torch.zeros(3, dtype=torch.bool)) == 0
    assert masked_mean(torch.arange(3.0)) == 1


def test_span_l1_counts_positives_only():
    spans = torch.tensor([[[1.0, 2], [5, 5]], [[0, 0], [3, 1]]], requires_grad=True)
    target = torch.tensor([[[2.0, 4], [0, 0]], [[9, 9], [3, 2]]])
    positive = torch.tensor([[True, False], [False, True]])
    loss = SpanL1Loss(loss_weight=0.2)(spans, target, positive)
    assert loss.item() == pytest.approx(0.2 * (1 + 2 + 0 + 1) / 4)


def test_span_l1_without_positives_is_zero_with_zero_gradient():
    spans = torch.randn(2, 3, 2, requires_grad=True)
    none = torch.zeros(2, 3, dtype=torch.bool)
    loss = SpanL1Loss()(spans, torch.full((2, 3, 2), float('inf')), none)
    loss.backward()
    assert loss == 0
    assert torch.equal(spans.grad, torch.zeros_like(spans))


def test_info_nce_averages_rows_and_columns():
    torch.manual_seed(0)
    a, b = torch.randn(2, 4, 3), torch.randn(2, 4, 3)
    total = 0.0
    for x, y in zip(a, b):
        logits = [
            [torch.cosine_similarity(i, j, 0).item() / 0.07 for j in y] for i in x
        ]
        for n in range(4):
            row = [math.exp(v) for v in logits[n]]
            column = [math.exp(logits[m][n]) for m in range(4)]
            total -= math.log(row[n] / sum(row)) / 2
            total -= math.log(column[n] / sum(column)) / 2
    loss = InfoNCELoss(loss_weight=0.1)(a, b).item()
    assert loss == pytest.approx(0.1 * total / 8, rel=1e-5)


def slow_saliency_nce(g, y, mask, positive, directions):
    size, length = g.shape

    def allowed(b, t):
        return mask[b, t] and y[b, t] <= y[b, positive[b]]

    total = 0.0
    for b in range(size):
        p = positive[b]
        own = math.exp(g[b, p] / 0.07)
        if 'clips' in directions:
            rest = [math.exp(g[b, t] / 0.07) for t in range(length) if allowed(b, t)]
            total -= math.log(own / sum(rest)) / size
        if 'batch' in directions:
            rest = [math.exp(g[o, p] / 0.07) for o in range(size) if allowed(o, p)]
            total -= math.log(own / sum(rest)) / size
    return total


@pytest.mark.parametrize('directions', [('clips',), ('batch',), ('clips', 'batch')])
def test_saliency_nce(directions):
    torch.manual_seed(0)
    g = torch.rand(3, 6) * 2 - 1
    y = torch.randint(0, 3, (3, 6)).float() / 2
    mask = torch.arange(6)[None] < torch.tensor([[6], [4], [2]])
    positive = torch.tensor([5, 1, 0])
    expected = slow_saliency_nce(g, y, mask, positive, directions)
    loss = SaliencyNCELoss(directions, loss_weight=0.1)(g, y, mask, positive)
    assert loss.item() == pytest.approx(0.1 * expected, rel=1e-5)


def test_saliency_nce_of_one_sample_has_finite_gradients():
    # clip 0 is more salient than the positive: no sample may answer for it
    g = torch.randn(1, 4, requires_grad=True)
    saliency = torch.tensor([[1.0, 0.5, 0, 0]])
    mask = torch.tensor([[True, True, True, False]])
    SaliencyNCELoss()(g, saliency, mask, torch.tensor([1])).backward()
    assert g.grad.isfinite().all()
    assert g.grad[0, 0] == 0
    assert g.grad[0, 2] != 0


def test_saliency_nce_refuses_unknown_directions():
    with pytest.raises(ValueError, match='rows'):
        SaliencyNCELoss(directions=['rows'])


def test_masked_mean_of_one_entry_is_this_entry():
    assert masked_mean(torch.tensor([3.0, 5.0]), torch.tensor([True, False])) == 3


def test_losses_pass_their_settings_on():
    torch.manual_seed(0)
    logits, target = torch.randn(3, 4), (torch.rand(3, 4) > 0.5).float()
    expected = focal_loss(logits, target, gamma=1.5, alpha=0.9).mean()
    assert torch.allclose(FocalLoss(1.5, alpha=0.9)(logits, target), expected)
    a, b = torch.randn(4, 5), torch.randn(4, 5)
    assert torch.allclose(InfoNCELoss(0.5)(a, b), info_nce(a, b, 0.5))
    assert not torch.allclose(info_nce(a, b, 0.5), info_nce(a, b))
    assert torch.allclose(info_nce(a, b), info_nce(a, b, 0.07))
    similarity, mask = torch.rand(2, 4), torch.ones(2, 4).bool()
    saliency = torch.tensor([[1.0, 1.0, 0.5, 0.0], [0.0, 1.0, 1.0, 0.0]])
    arguments = similarity, saliency, mask, torch.tensor([0, 1])
    strict = saliency_nce(*arguments, strict=True)
    assert torch.allclose(SaliencyNCELoss(strict=True)(*arguments), strict)
    assert torch.allclose(SaliencyNCELoss()(*arguments), saliency_nce(*arguments))
    assert not torch.allclose(strict, saliency_nce(*arguments))


@pytest.mark.parametrize('symmetric', [False, True])
def test_pairs_against_loops(symmetric):
    torch.manual_seed(0)
    a, b = torch.randn(4, 5).double(), torch.randn(4, 5).double()
    related = torch.eye(4).bool()
    related[0, 2] = related[3, 1] = True
    cosine = torch.cosine_similarity(a[:, None], b[None], dim=-1) / 0.5

    def loss(pairs):
        rows = []
        for own, entries in enumerate(pairs):
            kept = [x for j, (x, near) in enumerate(entries) if j == own or not near]
            rows.append(math.log(sum(map(math.exp, kept))) - entries[own][0])
        return sum(rows) / len(rows)

    table = [list(zip(*x)) for x in zip(cosine.tolist(), related.tolist())]
    expected = loss(table)
    if symmetric:
        expected = (expected + loss([list(column) for column in zip(*table)])) / 2
    found = pair_nce(a, b, 0.5, related, symmetric)
    assert found.item() == pytest.approx(expected)
    if not symmetric:
        everyone = pair_nce(a, b, 0.07, torch.zeros(4, 4).bool(), False)
        assert torch.allclose(pair_nce(a, b), everyone)
