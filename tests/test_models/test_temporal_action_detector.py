"""The assembled detector: classes as an argument, windows, padding, baselines."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

C, T = 16, 24
CLASSES = ('slide left', 'grow', 'spin')


def small_head(**settings):
    return dict(
        **dict(
            type='STALEHead',
            channels=96,
            foreground=dict(
                type='QueryForeground',
                decoder=dict(
                    type='MaskDecoder',
                    in_channels=96,
                    channels=32,
                    mask_channels=96,
                    num_queries=4,
                    layer=dict(num_heads=4, ffn_channels=32),
                ),
            ),
            adaption=dict(type='CrossModalAdaption', channels=96),
            localizer=dict(type='DynamicMaskLocalizer', channels=96),
            losses=dict(
                classes=dict(type='SnippetCELoss'),
                masks=dict(type='ActionMaskLoss'),
                foreground=dict(type='BCELoss'),
                consistency=dict(type='BranchConsistencyLoss'),
            ),
            candidates=dict(
                type='MaskCandidates', nms=dict(kind='gaussian', max_num=20)
            ),
        ),
        **settings,
    )


def build(head=None, **settings):
    torch.manual_seed(0)
    prompt = dict(type='ContextPrompt', width=96, num_before=4, num_after=0)
    config = dict(
        type='TemporalActionDetector',
        embedding=dict(
            type='TemporalEmbedding',
            in_channels=C,
            channels=96,
            layer=dict(type='WideAttention', channels=96, num_heads=2),
        ),
        classifier=dict(
            type='ClassNameClassifier',
            text_tower=dict(
                type='CLIPTextTower',
                model='tiny-clip',
                pretrained='shipped',
                frozen=False,
                hooks=[prompt],
            ),
        ),
        head=head or small_head(),
    )
    return MODELS.build({**config, **settings})


def sample(length=T, duration=48.0, classes=CLASSES):
    one = GroundingDataSample(
        metainfo=dict(video_id=f'v{length}', window=(0.0, duration), classes=classes)
    )
    spans = torch.tensor([[4.0, 12.0], [20.0, 40.0]], dtype=torch.float64)
    one.gt_moments = InstanceData(spans=spans, labels=torch.tensor([0, 2]))
    return one


def batch(*lengths, **settings):
    rng = torch.Generator().manual_seed(1)
    videos = [torch.randn(length, C, generator=rng) for length in lengths]
    samples = [sample(length, **settings) for length in lengths]
    return dict(inputs=dict(video=videos), data_samples=samples)


def run(model, data, mode):
    return model(**model.data_preprocessor(data), mode=mode)


def found(samples):
    return [
        torch.cat([s.pred_moments.spans, s.pred_moments.scores[:, None]], dim=1)
        for s in samples
    ]


def test_every_part_learns():
    model = build(head=small_head(straight_through=True)).train()
    losses = run(model, batch(T, T), 'loss')
    assert set(losses) == {
        'loss_classes',
        'loss_masks',
        'loss_foreground',
        'loss_consistency',
    }
    sum(losses.values()).backward()
    lazy = [
        name
        for name, p in model.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.isfinite().all())
    ]
    assert not lazy
    assert model.head.background.grad.abs().sum() > 0
    prompts = model.classifier.text_tower.hooks[0].embedding.weight
    assert prompts.grad.abs().sum() > 0


def test_classes_are_an_argument():
    model = build().eval()
    with torch.no_grad():
        first = run(model, batch(T), 'predict')[0]
        other = run(model, batch(T, classes=('a bird', 'a dog')), 'predict')[0]
        again = run(model, batch(T), 'predict')[0]
    assert first.pred_classes.shape == (T, 4) and other.pred_classes.shape == (T, 3)
    assert torch.equal(first.pred_classes, again.pred_classes)


def test_class_embeddings_are_computed_once(monkeypatch):
    model, calls = build().eval(), []
    read = model.classifier.text_tower.forward
    monkeypatch.setattr(
        model.classifier.text_tower,
        'forward',
        lambda *args: calls.append(1) or read(*args),
    )
    with torch.no_grad():
        run(model, batch(T), 'predict')
        run(model, batch(T), 'predict')
        assert len(calls) == 1
        model.train()
        model.eval()
        run(model, batch(T), 'predict')
    assert len(calls) == 2


def test_different_classes_in_a_batch_are_refused():
    data = batch(T, T)
    data['data_samples'][1].set_metainfo(dict(classes=('other',)))
    with pytest.raises(ValueError, match='2 different lists of classes'):
        run(build(), data, 'loss')


@pytest.mark.parametrize('classes', [(), ('grow', 'grow'), ('grow', ' ')])
def test_bad_class_lists_are_refused(classes):
    with pytest.raises(ValueError, match='class names must'):
        build().detect([torch.zeros(T, C)], [10.0], classes)


def test_detect_gives_names_and_seconds():
    model = build().train()
    rows = model.detect(batch(T, 2 * T)['inputs']['video'], [48.0, 90.0], CLASSES)
    assert model.training and len(rows) == 2
    for row, duration in zip(rows, (48.0, 90.0)):
        scores = [score for *_, score in row]
        assert scores == sorted(scores, reverse=True) and scores
        for start, end, name, _ in row:
            assert 0 <= start < end <= duration + 1e-3 and name in CLASSES


@pytest.mark.parametrize(
    'parts',
    [
        {},
        dict(foreground=dict(type='ConvForeground', channels=96)),
        dict(foreground=dict(type='AnnotatedForeground')),
        dict(foreground=None),
        dict(localizer=dict(type='StaticMaskLocalizer', channels=96, num_clips=40)),
        dict(
            localizer=dict(
                type='StaticMaskLocalizer', channels=96, num_clips=40, relative=True
            )
        ),
        dict(fill='zero'),
    ],
)
def test_padding_changes_nothing(parts):
    model = build(head={**small_head(), **parts}).eval()
    with torch.no_grad():
        alone = found(run(model, batch(T), 'predict'))[0]
        padded = found(run(model, batch(T, 35), 'predict'))[0]
        alone_loss = run(model, batch(T), 'loss')
    torch.testing.assert_close(alone, padded, rtol=1e-4, atol=1e-4)
    assert all(value.isfinite() for value in alone_loss.values())


@pytest.mark.parametrize('dilated', [False, True])
def test_convolutions_over_time_ignore_padding(dilated):
    layer = dict(type='TemporalConvs', channels=96, num_layers=3, dilated=dilated)
    embedding = dict(type='TemporalEmbedding', in_channels=C, channels=96, layer=layer)
    model = build(embedding=embedding).eval()
    with torch.no_grad():
        alone = found(run(model, batch(T), 'predict'))[0]
        padded = found(run(model, batch(T, 35), 'predict'))[0]
    torch.testing.assert_close(alone, padded, rtol=1e-4, atol=1e-4)


def test_losses_do_not_depend_on_padding():
    model = build().eval()
    with torch.no_grad():
        one = run(model, batch(T), 'loss')
        data = model.data_preprocessor(batch(T))
        video, mask = data['inputs']['video'], data['inputs']['video_mask']
        more = torch.full((1, 9, C), 5.0)
        data['inputs'] = dict(
            video=torch.cat([video, more], dim=1),
            video_mask=torch.cat([mask, mask.new_zeros(1, 9)], dim=1),
        )
        other = model(**data, mode='loss')
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-4, atol=1e-5)


def test_long_videos_are_read_in_windows():
    whole, cut = build(), build(window=16)
    cut.load_state_dict(whole.state_dict())
    with torch.no_grad():
        short = [found(run(m.eval(), batch(16), 'predict'))[0] for m in (whole, cut)]
        assert torch.equal(*short)
        long = run(cut.eval(), batch(40, duration=80.0), 'predict')[0]
    spans = long.pred_moments.spans
    assert (spans[:, 1] - spans[:, 0]).max() <= 32 + 1e-3  # of a window
    assert spans[:, 1].max() > 70 and spans[:, 0].min() < 10
    assert 'pred_classes' not in long


def test_window_is_seen_with_its_own_annotations():
    head = small_head()
    head['foreground'] = dict(type='AnnotatedForeground')
    model = build(head=head, window=12).eval()
    mask = torch.ones(1, 12, dtype=torch.bool)
    one = sample()
    one.set_metainfo(dict(window=(24.0, 48.0)))
    target = model.head.targets([one], mask, 3)
    assert target.classes[0].tolist() == [2] * 8 + [3] * 4


def test_two_stages():
    head = dict(
        type='BMNHead',
        channels=C,
        num_snippets=T,
        bmn=dict(hidden_dim_1d=8, hidden_dim_2d=4, hidden_dim_3d=8, num_samples=4),
        candidates=dict(type='MaskCandidates', nms=dict(kind='gaussian', max_num=9)),
    )
    classifier = dict(type='NamelessClasses', channels=C)
    model = build(head=head, classifier=classifier, embedding=None)
    losses = run(model.train(), batch(T, T), 'loss')
    losses['loss'].backward()
    learned = [p for p in model.head.bmn.parameters() if p.requires_grad]
    assert learned and all(p.grad is not None for p in learned)
    with torch.no_grad():
        one = run(model.eval(), batch(T), 'predict')[0]
    assert 0 < len(one.pred_moments.spans) <= 9
    with pytest.raises(ValueError, match='videos of 24 snippets'):
        run(model, batch(T + 1), 'predict')


def test_video_scores_choose_the_class(tmp_path):
    path = tmp_path / 'scores.json'
    path.write_text('{"results": {"v24": [{"label": "grow", "score": 0.9}]}}')
    scores = dict(type='VideoClassScores', path=str(path), weight=1.0)
    plain = build(head=small_head()).eval()
    model = build(head=small_head(video_scores=scores)).eval()
    model.load_state_dict(plain.state_dict())
    with torch.no_grad():
        before = run(plain, batch(T), 'predict')[0]
        after = run(model, batch(T), 'predict')[0]
    assert set(after.pred_moments.labels.tolist()) == {CLASSES.index('grow')}
    assert set(before.pred_moments.labels.tolist()) != {CLASSES.index('grow')}


def test_projection_starts_with_the_first_channels():
    config = dict(type='TemporalEmbedding', in_channels=8, channels=4, keep_first=True)
    embedding = MODELS.build(config)
    x = torch.randn(2, 5, 8)
    x[..., 4:] = 0
    mask = torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(embedding(x, mask), x[..., :4])
    x[..., 4:] = 1
    assert not torch.allclose(embedding(x, mask), x[..., :4])
