"""Losses of the DETR family beside the formulas written out."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmvtg.models.losses import (
    BCELoss,
    ForegroundCELoss,
    NegativePairLoss,
    QueryWordLoss,
    RankContrastLoss,
    SaliencyHingeLoss,
    SpanGIoULoss,
    SpanL1Loss,
    saliency_nce,
)
from mmvtg.structures import center_to_span, span_giou, span_iou, span_to_center


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def giou(a, b):
    inter = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    hull = max(a[1], b[1]) - min(a[0], b[0])
    return inter / union - (hull - union) / hull


def test_span_giou():
    a, b = torch.rand(20, 2).cumsum(1), torch.rand(20, 2).cumsum(1)
    expected = [giou(x, y) for x, y in zip(a.tolist(), b.tolist())]
    assert torch.allclose(span_giou(a, b), torch.tensor(expected), atol=1e-6)
    same = span_giou(a[:, None], a)
    assert torch.allclose(same.diagonal(), torch.ones(20), atol=1e-6)
    overlap = span_iou(a, b) > 0
    touching = span_giou(a[:, None], b)
    assert (touching[~overlap] <= 0).all() and (touching[~overlap] > -1).all()
    point = torch.tensor([[1.0, 1.0]])
    assert span_giou(point, point).item() == 0


def test_center_and_width():
    spans = torch.rand(5, 2).cumsum(1)
    assert torch.allclose(center_to_span(span_to_center(spans)), spans)
    assert span_to_center(torch.tensor([2.0, 6.0])).tolist() == [4, 4]


def test_span_losses_count_matched_rows():
    spans, target = torch.rand(2, 3, 2).cumsum(2), torch.rand(2, 3, 2).cumsum(2)
    positive = torch.tensor([[True, False, False], [True, True, False]])
    rows = list(zip(spans[positive].tolist(), target[positive].tolist()))
    expected = sum(1 - giou(a, b) for a, b in rows) / 3
    assert SpanGIoULoss()(spans, target, positive).item() == pytest.approx(expected)
    smooth = F.smooth_l1_loss(spans[positive], target[positive], beta=0.5)
    assert torch.allclose(SpanL1Loss(beta=0.5)(spans, target, positive), smooth)
    none = torch.zeros_like(positive)
    assert SpanGIoULoss()(spans, target, none) == 0


def test_foreground_loss_is_a_plain_mean():
    logits, target = torch.randn(4, 5, 2), torch.randint(2, (4, 5))
    weight = torch.tensor([1.0, 0.1])
    expected = F.cross_entropy(
        logits.flatten(0, 1), target.flatten(), weight=weight, reduction='none'
    ).mean()
    one_hot = F.one_hot(target, 2).float()
    assert torch.allclose(ForegroundCELoss(0.1)(logits, one_hot), expected)


def test_background_weight_of_bce():
    logits, mask = torch.randn(2, 4), torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]]).bool()
    target = torch.tensor([[1.0, 0, 0, 0], [0, 1, 1, 0]])
    total = 0
    for i, j in mask.nonzero().tolist():
        p = logits[i, j].sigmoid().item()
        total += -math.log(p) if target[i, j] else -0.1 * math.log(1 - p)
    found = BCELoss(background_weight=0.1)(logits, target, mask)
    assert found.item() == pytest.approx(total / 7, rel=1e-5)


def test_hinge():
    scores = torch.tensor([[1.0, 0.9, 0.0], [0.0, 0.5, 0.1]])
    pairs = torch.tensor([[[0, 1], [0, 2]], [[2, 1], [1, 0]]])
    # 0.2 + 0.9 - 1, 0, 0.2 + 0.5 - 0.1, 0
    expected = 2 * (0.1 + 0.6) / 4
    assert SaliencyHingeLoss(0.2)(scores, pairs).item() == pytest.approx(expected)


def test_rank_contrast():
    scores, target = torch.randn(3, 6), torch.randint(0, 13, (3, 6)) / 12
    target[1] = 0
    mask = torch.arange(6) < torch.tensor([6, 5, 3])[:, None]
    target[~mask] = 0
    total = 0
    for level in range(1, 12):
        for row in range(3):
            real = mask[row].nonzero()[:, 0].tolist()
            high = [j for j in real if round(12 * target[row, j].item()) >= level]
            norm = math.log(sum(math.exp(2 * scores[row, j]) for j in real))
            if high:
                gain = sum(2 * scores[row, j].item() - norm for j in high) / len(high)
                total -= gain / 3
    found = RankContrastLoss()(scores, target, mask)
    assert found.item() == pytest.approx(total / 12, rel=1e-4)


def test_masked_scores_get_no_gradient():
    scores = torch.randn(2, 5, requires_grad=True)
    mask = torch.arange(5) < torch.tensor([5, 2])[:, None]
    target = torch.tensor([[0, 0.5, 1, 0, 0], [1.0, 0, 0, 0, 0]])
    loss = RankContrastLoss()(scores, target, mask) + NegativePairLoss()(scores, mask)
    loss.backward()
    assert scores.grad.isfinite().all()
    assert not scores.grad[~mask].any() and scores.grad[mask].all()


def test_negative_pairs():
    scores, mask = torch.randn(2, 3), torch.tensor([[1, 1, 0], [1, 1, 1]]).bool()
    expected = -(1 - scores.sigmoid()).log()[mask].sum() / 2
    assert torch.allclose(NegativePairLoss()(scores, mask), expected)


def test_strict_saliency_nce_leaves_out_equals():
    similarity = torch.rand(1, 4)
    saliency = torch.tensor([[1.0, 1.0, 0.5, 0.0]])
    mask, positive = torch.ones(1, 4).bool(), torch.tensor([0])
    logits = similarity[0, [0, 2, 3]] / 0.07
    found = saliency_nce(similarity, saliency, mask, positive, ('clips',), strict=True)
    assert torch.allclose(found, -logits.log_softmax(0)[0])


def test_states_near_words():
    states, words = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    matched = torch.tensor([[True, False, True], [False, True, False]])
    mask = torch.arange(5) < torch.tensor([5, 2])[:, None]
    total = 0
    for k in range(2):
        u = [
            sum(
                F.cosine_similarity(states[k, q], words[k, n], dim=0)
                for n in range(5)
                if mask[k, n]
            )
            / 0.07
            for q in range(3)
        ]
        chosen = [u[q] for q in range(3) if matched[k, q]]
        total += torch.stack(u).logsumexp(0) - sum(chosen) / len(chosen)
    found = QueryWordLoss(0.07)(states, words, matched, mask)
    assert torch.allclose(found, total / 2, rtol=1e-4)


def test_a_single_matched_row_is_not_halved():
    spans, target = (
        torch.tensor([[[0.0, 2], [5, 6]]]),
        torch.tensor([[[1.0, 2], [0, 1]]]),
    )
    positive = torch.tensor([[True, False]])
    assert SpanL1Loss()(spans, target, positive).item() == pytest.approx(0.5)
    found = SpanGIoULoss()(spans, target, positive).item()
    assert found == pytest.approx(1 - giou([0, 2], [1, 2]))


def test_background_may_weigh_twice():
    logits, target = torch.randn(2, 4), torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, 0]])
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
    expected = (loss * (2 - target)).mean()
    assert torch.allclose(BCELoss(background_weight=2.0)(logits, target), expected)


def test_single_points_have_the_distance_of_their_hull():
    a, b = torch.tensor([1.0, 1.0]), torch.tensor([3.0, 3.0])
    assert span_giou(a, b).item() == -1
    # Spans within a hundredth are not rounded to points.
    a, b = torch.tensor([0.0, 0.02]), torch.tensor([0.01, 0.04])
    assert span_giou(a, b).item() == pytest.approx(0.25, abs=1e-6)


def test_conversion_of_batches_of_spans():
    spans = torch.rand(2, 3, 4, 2).cumsum(-1)
    centers = span_to_center(spans)
    assert torch.allclose(centers[..., 0], spans.mean(-1))
    assert torch.allclose(centers[..., 1], spans[..., 1] - spans[..., 0])
    assert torch.allclose(center_to_span(centers), spans, atol=1e-6)
