"""Class-agnostic proposals."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmvtg.models.heads import AnchorFreeProposalHead
from mmvtg.models.heads.anchor_free_head import centreness_target
from mmvtg.structures import GroundingDataSample, span_iou


def make_sample(spans, seconds):
    sample = GroundingDataSample(metainfo=dict(video_id='v', window=(0.0, seconds)))
    sample.gt_moments = InstanceData(
        spans=torch.tensor(spans).reshape(-1, 2), labels=torch.zeros(len(spans)).long()
    )
    return sample


def test_centreness():
    distances = torch.tensor([[2.0, 2.0], [1.0, 4.0], [0.0, 3.0], [0.0, 0.0]])
    assert centreness_target(distances).tolist() == pytest.approx([1, 0.5, 0, 0])


def test_padding_changes_nothing():
    torch.manual_seed(0)
    head = AnchorFreeProposalHead(8, strides=(1, 2, 4))
    clips, text = torch.randn(2, 16, 8), torch.zeros(1, 8)
    mask = torch.arange(16) < torch.tensor([[16], [8]])
    samples = [make_sample([[2.0, 9.0]], 16.0), make_sample([[1.0, 5.0]], 8.0)]
    both = head.propose(clips, mask, text, samples)
    alone = head.propose(clips[1:, :8], mask[1:, :8], text, samples[1:])
    assert torch.allclose(both[1].spans, alone[0].spans, atol=1e-5)
    assert torch.allclose(both[1].scores, alone[0].scores, atol=1e-6)
    assert both[1].spans.min() >= 0 and both[1].spans.max() <= 8
    losses = head.loss(clips, mask, text, samples)
    assert set(losses) == {'loss_actionness', 'loss_centreness', 'loss_boundary'}
    none = head.loss(clips, mask, text, [make_sample([], 16.0), make_sample([], 8.0)])
    assert none['loss_boundary'] == 0 and none['loss_centreness'] == 0


def test_it_learns_where_something_happens():
    torch.manual_seed(0)
    head = AnchorFreeProposalHead(8, strides=(1, 2, 4, 8))
    spans = [[[6.0, 14.0]], [[16.0, 28.0]], [[3.0, 9.0], [20.0, 26.0]]]
    clips, samples = 0.1 * torch.randn(3, 32, 8), []
    for row, moments in zip(clips, spans):
        for start, end in moments:
            row[int(start) : int(end), 0] += 1
        samples.append(make_sample(moments, 64.0))
        samples[-1].gt_moments.spans *= 2  # two seconds a clip
    mask, text = torch.ones(3, 32, dtype=torch.bool), torch.zeros(1, 8)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        sum(head.loss(clips, mask, text, samples).values()).backward()
        optimizer.step()
    for found, sample in zip(head.propose(clips, mask, text, samples), samples):
        iou = span_iou(found.spans[:6], sample.gt_moments.spans)
        assert (iou.amax(dim=0) > 0.7).all()
