"""The head of R2-Tuning: losses, decoding, padding."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvtg.models.heads import R2Head
from mmvtg.models.heads.decoding import HeadOutputs, decode_moments, spread_scores
from mmvtg.models.heads.targets import draw_positive
from mmvtg.models.necks import R2Block, TemporalPyramid
from mmvtg.models.task_modules import PointGenerator
from mmvtg.registry import MODELS
from mmvtg.structures import (
    FusedFeatures,
    GroundingDataSample,
    QueryFeatures,
    StepFeatures,
    VideoFeatures,
)

RETRIEVAL = dict(
    cls=dict(type='FocalLoss'),
    boundary=dict(type='SpanL1Loss', loss_weight=0.2),
    saliency=dict(type='SaliencyNCELoss', loss_weight=0.1),
    video=dict(type='InfoNCELoss', loss_weight=0.1),
    layer=dict(type='InfoNCELoss', loss_weight=0.1),
)
HIGHLIGHT = dict(
    cls=dict(type='BCELoss'),
    saliency=dict(type='SaliencyNCELoss', directions=['clips'], loss_weight=0.1),
    video=dict(type='InfoNCELoss', loss_weight=0.1),
    layer=dict(type='InfoNCELoss', loss_weight=0.1),
)


def make_fused(lengths, words=(5, 3), channels=8, steps=2):
    generator = torch.Generator().manual_seed(0)

    def rows(sizes):
        longest = max(sizes)
        found = [torch.randn(100, channels, generator=generator) for _ in sizes]
        mask = torch.arange(longest)[None] < torch.tensor(sizes)[:, None]
        return torch.stack([row[:longest] for row in found]), mask

    words = words[: len(lengths)]
    clips, mask = rows(lengths)
    tokens, words_mask = rows(words)
    states = [StepFeatures(rows(lengths)[0], rows(words)[0]) for _ in range(steps)]
    return FusedFeatures(clips, mask, tokens, words_mask, states)


def make_samples(lengths, spans=((2.0, 9.0),), fps=0.5):
    samples = []
    for length in lengths:
        meta = dict(fps=fps, num_clips=length, duration=length / fps)
        meta.update(query_id=7, positive_clip=1)
        sample = GroundingDataSample(metainfo=meta)
        moments = torch.tensor(spans, dtype=torch.float32).reshape(-1, 2)
        sample.gt_moments = InstanceData(spans=moments)
        sample.gt_saliency = (torch.arange(length) < 4).float() / 2
        samples.append(sample)
    return samples


def make_head(strides=(1, 2, 4), **options):
    torch.manual_seed(0)
    options = {'losses': RETRIEVAL, **options}
    return TemporalPyramid(8, strides), R2Head(8, strides, **options)


def test_losses_are_finite_and_train_every_parameter():
    pyramid, head = make_head()
    losses = head.loss(pyramid(make_fused((12, 7))), make_samples((12, 7)))
    assert list(losses) == [f'loss_{role}' for role in RETRIEVAL]
    assert all(loss.shape == () and loss > 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize('spans', [(), ((2.9, 3.0),)])
def test_batch_without_positive_points(spans):
    pyramid, head = make_head()
    fused = pyramid(make_fused((12, 7)))
    losses = head.loss(fused, make_samples((12, 7), spans))
    assert losses['loss_boundary'] == 0
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in head.parameters())


def test_roles_that_are_left_out_are_not_trained():
    losses = dict(cls=dict(type='FocalLoss'), boundary=dict(type='SpanL1Loss'))
    pyramid, head = make_head(losses=losses)
    samples = make_samples((12, 7))
    for sample in samples:
        sample.set_metainfo(dict(positive_clip=None))
    found = head.loss(pyramid(make_fused((12, 7), steps=0)), samples)
    assert list(found) == ['loss_cls', 'loss_boundary']


def test_highlight_head_trains_saliency_and_has_no_moments():
    pyramid, head = make_head((1,), losses=HIGHLIGHT, with_boundary=False)
    fused, samples = pyramid(make_fused((12, 7))), make_samples((12, 7))
    losses = head.loss(fused, samples)
    assert 'loss_boundary' not in losses
    sum(losses.values()).backward()
    assert all((p.grad is None) != p.requires_grad for p in head.parameters())
    outputs = head(fused)
    terms = [
        torch.nn.functional.binary_cross_entropy_with_logits(
            outputs.logits[b, : len(s.gt_saliency)], s.gt_saliency, reduction='none'
        )
        for b, s in enumerate(samples)
    ]
    assert torch.allclose(losses['loss_cls'], torch.cat(terms).mean())
    for b, sample in enumerate(head.predict(fused, samples)):
        assert sample.pred_moments.spans.shape == (0, 2)
        n = len(sample.gt_saliency)
        assert torch.equal(sample.pred_saliency, outputs.logits[b, :n].sigmoid())


def slow_predict(outputs, b, length, fps, strides):
    """One sample by its equations; the batch-1 points are those of whole windows."""
    rows, curve = [], [float('-inf')] * length
    for i, (x, _, _, s) in enumerate(outputs.points.tolist()):
        if x / s < length // s:
            d = outputs.distances[b, i].tolist()
            c = outputs.logits[b, i].sigmoid().item()
            rows.append(((x - d[0] * s) / fps, (x + d[1] * s) / fps, c))
    offset = 0
    padded = outputs.similarity.size(1)
    for s in strides:
        count = length // s
        scores = outputs.logits[b, offset : offset + count].sigmoid().tolist()
        offset += padded // s
        if count:
            spread = [c for c in scores for _ in range(length // count)]
            spread += [scores[-1]] * (length - len(spread))
            curve = [max(pair) for pair in zip(curve, spread)]
    similarity = outputs.similarity[b].tolist()
    saliency = [c * g for c, g in zip(curve, similarity)]
    return sorted(rows, key=lambda row: -row[2]), saliency


def test_predictions_follow_the_equations():
    lengths = (23, 10, 3)
    pyramid, head = make_head(max_moments=15)
    fused = pyramid(make_fused(lengths, words=(5, 3, 4)))
    with torch.no_grad():
        outputs = head(fused)
        samples = head.predict(fused, make_samples(lengths))
    for b, (length, sample) in enumerate(zip(lengths, samples)):
        rows, saliency = slow_predict(outputs, b, length, 0.5, (1, 2, 4))
        moments = sample.pred_moments
        assert len(moments.spans) == min(15, len(rows))
        found = torch.cat([moments.spans, moments.scores[:, None]], dim=1)
        assert torch.allclose(found, torch.tensor(rows[:15]), rtol=1e-5, atol=1e-5)
        assert torch.allclose(sample.pred_saliency, torch.tensor(saliency), atol=1e-6)


def test_batch_predictions_equal_batch_of_one():
    torch.manual_seed(0)
    neck = R2Block(10, 6, 8, num_steps=2, num_heads=2).eval()
    neck.pool_scale.data.fill_(0.5)
    pyramid, head = make_head((1, 2, 4, 8))
    lengths, words = (21, 13, 6), (4, 7, 2)
    size = len(lengths)
    videos = [torch.randn(n, 2, 5, 10) for n in lengths]
    queries = [torch.randn(n, 2, 6) for n in words]

    def predict(chosen, extra=0):
        most = max(lengths[i] for i in chosen) + extra
        longest = max(words[i] for i in chosen) + extra
        video = torch.full((len(chosen), most, 2, 5, 10), 3.0)
        query = torch.full((len(chosen), longest, 2, 6), 3.0)
        masks = torch.zeros(len(chosen), most).bool()
        word_masks = torch.zeros(len(chosen), longest).bool()
        for row, i in enumerate(chosen):
            video[row, : lengths[i]], query[row, : words[i]] = videos[i], queries[i]
            masks[row, : lengths[i]], word_masks[row, : words[i]] = True, True
        fused = neck(
            VideoFeatures(masks, list(video.unbind(2))),
            QueryFeatures(word_masks, list(query.unbind(2))),
        )
        return head.predict(pyramid(fused), make_samples([lengths[i] for i in chosen]))

    with torch.no_grad():
        together = predict(range(size), extra=9)
        for i, sample in enumerate(together):
            (alone,) = predict([i])
            assert torch.allclose(
                sample.pred_saliency, alone.pred_saliency, rtol=1e-5, atol=1e-6
            )
            for field in ('spans', 'scores'):
                found = getattr(sample.pred_moments, field)
                expected = getattr(alone.pred_moments, field)
                assert found.shape == expected.shape
                assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_official_padding_lets_convolutions_see_padding():
    fused = make_fused((12, 7))
    pyramid, head = make_head(official_padding=True)
    _, sound = make_head()
    sound.load_state_dict(head.state_dict())
    official, masked = head(pyramid(fused)), sound(pyramid(fused))
    assert torch.equal(official.logits[0], masked.logits[0])
    assert not torch.allclose(official.logits[1, :7], masked.logits[1, :7])
    # the difference stays within reach of two convolutions of width 3
    assert torch.allclose(official.logits[1, :5], masked.logits[1, :5], atol=1e-6)


@pytest.mark.parametrize(
    'official, boundary',
    # 2 + 0 + 2 per video over both ends of 6 points, or 5 without the padded one
    [(True, 0.2 * 8 / (2 * 6)), (False, 0.2 * 6 / (2 * 5))],
)
def test_official_padding_counts_positives_in_the_padding(official, boundary):
    # Clips 5 to 7 are the moment. Clip 7 exists only in the longer video.
    pyramid, head = make_head(official_padding=official)
    samples = make_samples((12, 7), spans=((10.0, 14.0),))
    outputs = head(pyramid(make_fused((12, 7))))
    positive, _ = head.assign(outputs.points, samples)
    assert positive.nonzero().tolist() == [[b, x] for b in (0, 1) for x in (5, 6, 7)]
    assert outputs.mask[:, 7].tolist() == [True, False]
    outputs.distances = torch.ones_like(outputs.distances)
    losses = head.point_losses(outputs, torch.zeros(2, 12), samples)
    assert losses['boundary'].item() == pytest.approx(boundary)
    outputs.logits[1, 7] = 100.0
    assert (
        head.point_losses(outputs, torch.zeros(2, 12), samples)['cls'] == losses['cls']
    )


def test_head_computes_in_float32_under_autocast():
    pyramid, head = make_head()
    fused = pyramid(make_fused((12, 7)))
    plain = head.loss(fused, make_samples((12, 7)))
    with torch.autocast('cpu', torch.bfloat16):
        mixed = head.loss(fused, make_samples((12, 7)))
    for name, loss in plain.items():
        assert mixed[name].dtype == torch.float32
        assert torch.allclose(loss, mixed[name], rtol=1e-6), name


def test_post_processor_gets_seconds_and_durations():
    from mmvtg.registry import TASK_UTILS

    @TASK_UTILS.register_module(force=True)
    class KeepFirst:
        def __call__(self, moments, durations):
            self.durations = list(durations)
            return [(spans[:1], scores[:1]) for spans, scores in moments]

    pyramid, head = make_head(post_processor=dict(type='KeepFirst'))
    samples = head.predict(pyramid(make_fused((12, 7))), make_samples((12, 7)))
    assert [len(sample.pred_moments.spans) for sample in samples] == [1, 1]
    assert head.post_processor.durations == [24, 14]
    TASK_UTILS.module_dict.pop('KeepFirst')


def test_positive_clip_is_fixed_or_drawn():
    (sample,) = make_samples([10])
    assert draw_positive(sample) == 1
    sample.set_metainfo(dict(positive_clip=None, positive_clips=np.array([3, 5, 8])))
    torch.manual_seed(0)
    drawn = [draw_positive(sample) for _ in range(60)]
    assert set(drawn) == {3, 5, 8}
    torch.manual_seed(0)
    assert [draw_positive(sample) for _ in range(60)] == drawn
    sample.set_metainfo(dict(positive_clips=np.array([], dtype=int)))
    sample.gt_saliency = torch.tensor([0.0, 0.2, 0.1])
    assert draw_positive(sample) == 1
    bare = GroundingDataSample(metainfo=dict(query_id=7))
    with pytest.raises(KeyError, match='7.*positive_clips'):
        draw_positive(bare)


def test_spread_repeats_and_fills_the_tail():
    # 7 clips on a level of stride 2: 3 points, 7 // 3 = 2 clips each, the last 3
    scores = torch.tensor([[0.1, 0.9, 0.3]])
    mask = torch.ones(1, 7, dtype=torch.bool)
    found = spread_scores(scores, [3], [2], mask)
    assert found.tolist()[0] == pytest.approx([0.1, 0.1, 0.9, 0.9, 0.3, 0.3, 0.3])


def test_decode_by_hand():
    points = PointGenerator((1, 2))([2, 1], torch.device('cpu'))
    distances = torch.tensor([[[0.0, 1.0], [0.5, 1.0], [0.25, 2.0]]])
    outputs = HeadOutputs(
        logits=torch.tensor([[0.2, 0.9, 0.5]]).logit(),
        distances=distances,
        points=points,
        mask=torch.ones(1, 3, dtype=torch.bool),
        similarity=torch.ones(1, 2),
    )
    ((spans, best),) = decode_moments(outputs, torch.tensor([0.5]), 2)
    assert spans.tolist() == [[1.0, 4.0], [-1.0, 8.0]]
    assert best.tolist() == pytest.approx([0.9, 0.5])


def test_configs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match='saliencyy'):
        R2Head(8, losses=dict(saliencyy=dict(type='BCELoss')))
    with pytest.raises(ValueError, match='strides'):
        R2Head(8, (1, 2), with_boundary=False)
    with pytest.raises(ValueError, match='boundary'):
        R2Head(
            8, (1,), with_boundary=False, losses=dict(boundary=RETRIEVAL['boundary'])
        )


@pytest.mark.parametrize(
    'strides, use_tef, total', [((1, 2, 4, 8), True, 2836242), ((1,), False, 1846281)]
)
def test_number_of_parameters(strides, use_tef, total):
    parts = [
        R2Block(use_tef=use_tef),
        TemporalPyramid(strides=strides),
        R2Head(strides=strides, with_boundary=len(strides) > 1),
    ]
    assert sum(p.numel() for part in parts for p in part.parameters()) == total


def test_initialisation():
    neck, head = R2Block(), R2Head()
    assert not neck.gate.any()
    assert not neck.pool_scale.any()
    assert (head.level_scale == 1).all()
    projection = neck.layer.cross_attn.q_proj
    assert projection.weight.abs().max() <= (6 / 512) ** 0.5
    assert projection.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.05)
    linear = neck.layer.ffn.linear_in
    assert linear.weight.std().item() == pytest.approx((2 / 1024) ** 0.5, rel=0.05)
    assert not linear.bias.any()
    assert not projection.bias.any()


@pytest.mark.parametrize(
    'head, role', [('R2Head', 'video'), ('MMNHead', 'iou'), ('UniVTGHead', 'video')]
)
def test_role_that_a_config_sets_to_none_is_not_trained(head, role):
    """``--cfg-options model.head.losses.video=None`` switches a loss off."""
    built = MODELS.build(dict(type=head, channels=8, losses={role: None}))
    assert not built.losses


def test_misspelt_role_is_refused_although_it_is_none():
    with pytest.raises(ValueError, match='want some of'):
        R2Head(8, losses=dict(vidoe=None))
