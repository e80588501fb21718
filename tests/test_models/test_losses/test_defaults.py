"""Losses without arguments have the settings of their papers."""

import pytest

from mmvtg.models import losses

DEFAULTS = dict(
    ActionMaskLoss=dict(dice_weight=0.4),
    AttentionConsistencyLoss=dict(renormalise=False),
    BCELoss=dict(background_weight=1.0),
    BranchConsistencyLoss=dict(top_k=10, class_threshold=0.01, mask_threshold=0.5),
    FocalLoss=dict(gamma=2.0, alpha=None),
    ForegroundCELoss=dict(background_weight=0.1),
    InfoNCELoss=dict(temperature=0.07),
    MomentRankingLoss=dict(temperature=1.0),
    MutualMatchingLoss=dict(
        num_positives=1,
        margin=0.4,
        temperature=0.1,
        proposal_iou=0.5,
        query_iou=0.5,
        exact_negative_mask=False,
    ),
    NegativePairLoss=dict(),
    QueryContrastLoss=dict(temperature=1.0),
    QueryWordLoss=dict(temperature=0.07),
    RankContrastLoss=dict(
        levels=tuple(level / 12 for level in range(1, 12)), temperature=0.5
    ),
    SaliencyHingeLoss=dict(margin=0.2),
    SaliencyNCELoss=dict(directions=('clips', 'batch'), temperature=0.07, strict=False),
    SnippetCELoss=dict(),
    SpanGIoULoss=dict(),
    SpanL1Loss=dict(beta=0.0),
    WholeMaskLoss=dict(entropy_weight=0.4, dice_weight=0.6),
)


def test_every_loss_is_listed():
    classes = {name for name in losses.__all__ if name.endswith('Loss')}
    assert classes == set(DEFAULTS)


@pytest.mark.parametrize('name', DEFAULTS)
def test_defaults(name):
    loss = getattr(losses, name)()
    for field, value in dict(DEFAULTS[name], loss_weight=1.0).items():
        assert getattr(loss, field) == value, field
