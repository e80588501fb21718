"""VDI's injections: what takes part, what order and padding do."""

import pytest
import torch
from torch import nn

from mmvtg.models.injections import (
    SpatialDynamicInjection,
    VisualContextInjection,
    VisualDynamicInjection,
)
from mmvtg.models.injections.visual_dynamic import spread_frames
from mmvtg.structures import GroundingDataSample, QueryFeatures, VideoFeatures

LAYER = dict(num_heads=2, ffn_channels=8, dropout=0.0)


class Text(nn.Module):
    """A vector for each token; a query is their mean."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 8)

    def forward(self, ids, mask):
        words = self.table(ids).masked_fill(~mask[..., None], 0)
        return QueryFeatures(mask=mask, pooled=words.sum(1) / mask.sum(1, keepdim=True))


class Vision:
    @staticmethod
    def project(tokens):
        return tokens


def mask_of(lengths, size=None):
    return torch.arange(size or max(lengths))[None] < torch.tensor(lengths)[:, None]


def make(**options):
    torch.manual_seed(0)
    parts = dict(
        context=dict(channels=8, layer=LAYER),
        dynamics=dict(channels=8, num_patches=4, layer=LAYER),
    )
    return VisualDynamicInjection(**{**parts, **options})


def make_inputs(parts, size=6):
    torch.manual_seed(1)
    video = VideoFeatures(
        mask=mask_of([6, 4][: len(parts)], size), clips=torch.randn(2, size, 8)
    )
    video.layers = [torch.randn(2, size, 5, 8)]
    query = QueryFeatures(mask=mask_of([3] * len(parts)))
    query.pooled = torch.randn(len(parts), 8)
    samples = [
        GroundingDataSample(metainfo=dict(static_ids=s, dynamic_ids=d))
        for s, d in parts
    ]
    return video, query, samples


def run(injection, parts, text=None):
    return injection.loss(*make_inputs(parts), Vision(), text or Text())


FULL = ([1, 2, 3], [4, 5])


def test_queries_without_a_part_take_no_part():
    injection, text = make(), Text()
    video, query, samples = make_inputs([FULL, ([1, 2], [])])
    losses = injection.loss(video, query, samples, Vision(), text)
    alone = VideoFeatures(
        mask=video.mask[:1], clips=video.clips[:1], layers=[video.layers[0][:1]]
    )
    query.pooled = query.pooled[:1]
    expected = injection.loss(alone, query, samples[:1], Vision(), text)
    for name in expected:
        torch.testing.assert_close(losses[name], expected[name])


def test_nobody_left_is_a_loss_of_zero():
    injection = make()
    losses = run(injection, [([], [4]), ([1], [])])
    assert set(losses) == {'loss_context', 'loss_dynamic'}
    sum(losses.values()).backward()
    assert all(loss.item() == 0 for loss in losses.values())
    assert all(not p.grad.any() for p in injection.parameters())


def test_parts_can_be_left_out():
    assert set(run(make(dynamics=None), [FULL, FULL])) == {'loss_context'}
    assert set(run(make(context=None), [FULL, FULL])) == {'loss_dynamic'}


def test_pipeline_without_split_queries_is_named():
    video, query, _ = make_inputs([FULL, FULL])
    samples = [GroundingDataSample(metainfo=dict(query_id=7))] * 2
    with pytest.raises(KeyError, match='SplitQuery'):
        make().loss(video, query, samples, Vision(), Text())


def test_stores_without_patches_are_named():
    video, query, samples = make_inputs([FULL, FULL])
    video.layers = []
    with pytest.raises(ValueError, match='patches'):
        make().loss(video, query, samples, Vision(), Text())


@pytest.mark.parametrize('sequence', ['transformer', 'lstm'])
def test_padding_and_order(sequence):
    torch.manual_seed(0)
    part = SpatialDynamicInjection(8, 4, 12, sequence, layer=LAYER).eval()
    frames, patches, mask = (
        torch.randn(2, 6, 8),
        torch.randn(2, 6, 4, 8),
        mask_of([6, 4]),
    )
    both = part.movements(frames, patches, mask)
    alone = part.movements(frames[1:, :4], patches[1:, :4], mask[1:, :4])
    torch.testing.assert_close(both[1:], alone)
    back = part.movements(frames.flip(1), patches.flip(1), mask_of([6, 6]))[0]
    same = torch.allclose(back, both[0], atol=1e-5)
    assert same is (sequence == 'transformer')  # its places are zero at the start
    if sequence == 'transformer':
        nn.init.normal_(part.time_position)
        there = part.movements(frames, patches, mask)[0]
        back = part.movements(frames.flip(1), patches.flip(1), mask_of([6, 6]))[0]
        assert not torch.allclose(back, there, atol=1e-3)
    shuffled = part.movements(frames, patches.flip(2), mask)
    assert not torch.allclose(shuffled, part.movements(frames, patches, mask))


def test_heatmap_as_written_in_the_paper():
    part = SpatialDynamicInjection(8, 4, layer=LAYER)
    frames, patches = torch.randn(2, 3, 8), torch.randn(2, 3, 4, 8)
    left, right = part.frame_proj(frames), part.patch_proj(patches)
    expected = torch.einsum('btd,btpd->btp', left, right) / 8**0.5
    torch.testing.assert_close(part.heatmaps(frames, patches), expected)


def test_context_queries():
    frames, mask = torch.randn(2, 5, 8), mask_of([5, 3])
    q, s, d = torch.randn(3, 2, 8)
    for kind in ('static', 'full', 'none'):
        part = VisualContextInjection(8, layer=LAYER, context_query=kind)
        base = part.distances(q, s, d, frames, mask)
        assert torch.equal(base, part.distances(q, s + 1, d, frames, mask)) is (
            kind != 'static'
        )
        assert torch.equal(base, part.distances(q + 1, s, d, frames, mask)) is (
            kind != 'full'
        )


def test_unknown_kinds():
    with pytest.raises(ValueError, match='context_query'):
        VisualContextInjection(8, layer=LAYER, context_query='verbs')
    with pytest.raises(ValueError, match='reduction'):
        VisualContextInjection(8, layer=LAYER, reduction='max')
    with pytest.raises(ValueError, match='sequence'):
        SpatialDynamicInjection(8, 4, sequence='gru')


def test_frames_are_spread_over_long_videos():
    places, mask = spread_frames(mask_of([10, 3]), 4)
    assert places.tolist() == [[1, 3, 6, 8], [0, 1, 2, 0]]
    assert mask.tolist() == [[True] * 4, [True] * 3 + [False]]
