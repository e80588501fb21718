"""Proposals of a file get classes."""

import json

import pytest
import torch
from mmengine.structures import InstanceData

from mmvtg.models.heads import SegmentNamingHead
from mmvtg.models.heads.segment_naming_head import mean_inside
from mmvtg.structures import GroundingDataSample


def make_sample(spans, labels, window=(0.0, 10.0)):
    sample = GroundingDataSample(metainfo=dict(video_id='v', window=window))
    sample.gt_moments = InstanceData(
        spans=torch.tensor(spans).reshape(-1, 2), labels=torch.tensor(labels).long()
    )
    return sample


def test_mean_inside_against_a_loop():
    clips = torch.randn(10, 4)
    spans = torch.tensor([[2.0, 5.0], [0.4, 3.6], [9.9, 10.0], [4.6, 4.7]])
    means = mean_inside(clips, spans)
    places = [[2, 3, 4], [0, 1, 2, 3], [9], [4]]
    places[1] = [t for t in range(10) if 0.4 <= t + 0.5 < 3.6]
    for mean, inside in zip(means, places):
        assert torch.allclose(mean, clips[inside].mean(0), atol=1e-6)


def test_segments_are_learned_and_padding_changes_nothing():
    head, text = SegmentNamingHead(), torch.randn(3, 4)
    clips = torch.randn(2, 12, 4)
    mask = torch.arange(12) < torch.tensor([[12], [10]])
    samples = [
        make_sample([[0.0, 4.0], [5.0, 9.0]], [0, 2]),
        make_sample([[2.0, 4.0]], [1]),
    ]
    loss = head.loss(clips, mask, text, samples)['loss']
    alone = [
        head.loss(clips[:1], mask[:1], text, samples[:1])['loss'],
        head.loss(clips[1:, :10], mask[1:, :10], text, samples[1:])['loss'],
    ]
    assert torch.allclose(loss, (2 * alone[0] + alone[1]) / 3, atol=1e-5)
    with pytest.raises(ValueError, match='without any'):
        head.loss(clips[:1], mask[:1], text, [make_sample([], [])])


def test_proposals_are_named_and_scored(tmp_path):
    segments = [
        dict(segment=[0, 4], score=0.5),
        dict(segment=[6, 8], score=0.8),
        dict(segment=[20, 24], score=0.9),
    ]
    path = tmp_path / 'proposals.json'
    path.write_text(json.dumps(dict(results=dict(v=segments))))
    head = SegmentNamingHead(str(path), top_classes=2, temperature=0.01)
    text = torch.eye(3)
    clips = torch.zeros(1, 10, 3)
    clips[0, :5, 1] = 1
    clips[0, 5:, 2] = 1
    mask = torch.ones(1, 10, dtype=torch.bool)
    (found,) = head.propose(clips, mask, text, [make_sample([], [])])
    assert found.spans.tolist() == [[6, 8]] * 2 + [[0, 4]] * 2  # 20 to 24 lies outside
    assert found.labels[::2].tolist() == [2, 1]
    assert torch.allclose(found.scores[::2], torch.tensor([0.8, 0.5]), atol=1e-4)
    with pytest.raises(ValueError, match='needs proposals'):
        SegmentNamingHead().propose(clips, mask, text, [make_sample([], [])])


def test_a_sample_may_bring_its_own_proposals(tmp_path):
    spans, scores = torch.tensor([[0.0, 4.0], [6.0, 8.0]]), torch.tensor([0.8, 0.5])
    rows = [
        dict(segment=span, score=score)
        for span, score in zip(spans.tolist(), scores.tolist())
    ]
    path = tmp_path / 'proposals.json'
    path.write_text(json.dumps(dict(results=dict(v=rows))))
    sample = make_sample([], [])
    own = sample.clone()
    own.proposals = InstanceData(spans=spans, scores=scores)
    clips, mask = torch.rand(1, 10, 3), torch.ones(1, 10, dtype=torch.bool)
    (a,) = SegmentNamingHead(str(path)).propose(clips, mask, torch.eye(3), [sample])
    (b,) = SegmentNamingHead().propose(clips, mask, torch.eye(3), [own])
    assert torch.equal(a.spans, b.spans) and torch.equal(a.scores, b.scores)
    (one,) = SegmentNamingHead(max_proposals=1).propose(
        clips, mask, torch.eye(3), [own]
    )
    assert len(one.spans) == 1
