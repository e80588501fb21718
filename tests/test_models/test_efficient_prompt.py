"""Classes by name, recognition over draws, retrieval, frames that see each other."""

import json

import open_clip
import pytest
import torch
import torch.nn.functional as F
from mmaction.structures import ActionDataSample

from mmvtg.evaluation.metrics import VideoTextRetrievalMetric
from mmvtg.models.grounders import ActionRecognizer, VideoTextRetriever
from mmvtg.models.heads import ClassNameClassifier, LinearClassifier
from mmvtg.models.losses import pair_nce
from mmvtg.models.necks import TemporalTransformer

WIDTH, D = 8, 16


@pytest.fixture(scope='module', autouse=True)
def named_clip(tmp_path_factory):
    config = dict(
        embed_dim=D,
        vision_cfg=dict(image_size=16, patch_size=8, layers=1, width=32, head_width=8),
        text_cfg=dict(
            context_length=12, vocab_size=49408, width=WIDTH, heads=2, layers=1
        ),
    )
    path = tmp_path_factory.mktemp('clip') / 'named-clip.json'
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)


def tower(before=2, after=2):
    hook = dict(type='ContextPrompt', width=WIDTH, num_before=before, num_after=after)
    return dict(type='CLIPTextTower', model='named-clip', hooks=[hook])


def sample(label, **meta):
    return ActionDataSample(metainfo=meta).set_gt_label(label)


def test_temporal_transformer_knows_order_and_gap():
    neck = TemporalTransformer(D, num_layers=1, num_heads=2, max_frames=6, max_gap=4)
    frames = torch.randn(2, 5, D)
    near, far = (neck(frames, gap=torch.tensor([g, g])) for g in (1, 4))
    assert near.shape == frames.shape and not torch.allclose(near, far)
    assert not torch.allclose(neck(frames.flip(1), gap=torch.ones(2).long()), near)
    # nearly CLIP's frames at the start
    assert (near - frames).abs().max() < 0.2
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    alone = neck(frames[1:, :3], gap=torch.ones(1).long())
    padded = neck(frames, mask, torch.ones(2).long())
    assert torch.allclose(padded[1, :3], alone[0], atol=1e-6)
    with pytest.raises(ValueError, match='max_frames'):
        neck(torch.randn(1, 7, D), gap=torch.ones(1).long())
    with pytest.raises(ValueError, match='max_gap'):
        neck(frames, gap=torch.tensor([1, 5]))
    with pytest.raises(ValueError, match='needs the gaps'):
        neck(frames)


def test_names_that_do_not_fit_are_named():
    classifier = ClassNameClassifier(tower(4, 4))
    with pytest.raises(ValueError, match=r"'a b c' has 3 tokens.*room for 2 of 12"):
        classifier.set_classes(['a b', 'a b c'])
    with pytest.raises(ValueError, match='more than once'):
        classifier.set_classes(['slide_left', 'slide left'])
    with pytest.raises(RuntimeError, match='set_classes'):
        classifier(torch.randn(1, D))
    with pytest.raises(ValueError, match='no place'):
        ClassNameClassifier(tower(), template='a photo')


def test_logits_are_cosines_and_classes_may_change():
    classifier = ClassNameClassifier(tower(), temperature=0.5).eval()
    classifier.set_classes(['rise', 'spin', 'slide left'])
    video = torch.randn(4, D)
    with torch.no_grad():
        logits = classifier(video)
        names = [classifier.class_features(torch.tensor([i])) for i in range(3)]
        expected = F.cosine_similarity(video[:, None], torch.cat(names)[None], dim=2)
        assert torch.allclose(logits, expected / 0.5, atol=1e-5)
        classifier.set_classes(['slide_left', 'rise'])
        assert torch.allclose(classifier(video), logits[:, [2, 0]], atol=1e-5)


def test_cached_names_follow_the_weights():
    classifier = ClassNameClassifier(tower()).eval()
    classifier.set_classes(['rise', 'spin'])
    video = torch.randn(1, D)
    with torch.no_grad():
        before = classifier(video)
        state = {k: v + torch.randn_like(v) for k, v in classifier.state_dict().items()}
        classifier.load_state_dict(state)
        assert not torch.allclose(classifier(video), before)


def test_many_classes_are_contrasted_with_some():
    classifier = ClassNameClassifier(tower(), max_contrast=4)
    classifier.set_classes([f'{a} {b}' for a in 'abcde' for b in 'uvw'])
    labels = torch.tensor([3, 14, 3])
    chosen, among = classifier._contrast(labels)
    assert len(chosen) == len(set(chosen.tolist())) == 4
    assert chosen[among].tolist() == labels.tolist()
    assert classifier.loss(torch.randn(3, D), labels)['loss'].isfinite()
    with pytest.raises(ValueError, match='15 classes'):
        classifier.loss(torch.randn(1, D), torch.tensor([15]))


def test_prediction_is_the_mean_over_draws():
    temporal = dict(
        type='TemporalTransformer', channels=D, num_layers=1, num_heads=2, max_frames=3
    )
    model = ActionRecognizer(
        dict(type='ClassNameClassifier', text_tower=tower()), temporal=temporal
    ).eval()
    model.set_classes(['rise', 'spin', 'blink'])
    video = torch.randn(2, 5, 3, D)
    samples = [sample(0), sample(2)]
    with torch.no_grad():
        results = model(dict(video=video), samples, mode='predict')
        single = [
            model(dict(video=video[:1, k : k + 1]), [sample(0)], mode='predict')[0]
            for k in range(5)
        ]
    mean = torch.stack([one.pred_score for one in single]).mean(0)
    assert torch.allclose(results[0].pred_score, mean, atol=1e-6)
    losses = model.train()(dict(video=video), samples, mode='loss')
    losses['loss'].backward()
    learned = {n for n, p in model.named_parameters() if p.grad is not None}
    assert learned == {n for n, p in model.named_parameters() if p.requires_grad}
    assert not any('clip' in name for name in learned)


def test_frames_go_through_a_vision_tower():
    model = ActionRecognizer(
        dict(type='LinearClassifier', channels=D, num_classes=2),
        vision_tower=dict(type='CLIPVisionTower', model='named-clip'),
    )
    video = torch.randint(0, 256, (2, 1, 3, 3, 16, 16), dtype=torch.uint8)
    assert model(dict(video=video)).shape == (2, 1, D)


def test_linear_classifier_counts_classes():
    classifier = LinearClassifier(D, 3)
    classifier.set_classes(['a', 'b', 'c'])
    with pytest.raises(ValueError, match='3 classes'):
        classifier.set_classes(['a'])


def test_pair_nce_against_a_loop():
    a, b = torch.randn(4, D), torch.randn(4, D)
    related = torch.zeros(4, 4, dtype=torch.bool)
    related[0, 2] = related[2, 0] = True
    total = 0.0
    for i in range(4):
        others = [j for j in range(4) if not related[i, j]]
        scores = [F.cosine_similarity(a[i], b[j], dim=0) / 0.07 for j in others]
        total -= torch.stack(scores).log_softmax(0)[others.index(i)]
    assert torch.allclose(pair_nce(a, b, 0.07, related), total / 4, atol=1e-5)
    both = (pair_nce(a, b) + pair_nce(b, a)) / 2
    assert torch.allclose(pair_nce(a, b, symmetric=True), both, atol=1e-6)


def test_retrieval_learns_and_finds():
    model = VideoTextRetriever(tower())
    ids = torch.tensor([[49406, 320, 49407], [49406, 9, 49407]])
    inputs = dict(video=torch.randn(2, 5, 3, D), token_ids=ids)
    inputs['token_ids_mask'] = torch.ones(2, 3, dtype=torch.bool)
    samples = [
        ActionDataSample(metainfo=dict(video_id=f'v{i}', query_id=i, query=f'q{i}'))
        for i in range(2)
    ]
    loss = model(inputs, samples, mode='loss')['loss']
    loss.backward()
    assert model.text_tower.hooks[0].embedding.weight.grad.abs().sum() > 0
    with pytest.raises(ValueError, match='13 tokens .hooks included.*12 positions'):
        model.embed_texts(
            dict(
                token_ids=torch.tensor([[49406, *[320] * 7, 49407]]),
                token_ids_mask=torch.ones(1, 9, dtype=torch.bool),
            )
        )
    with torch.no_grad():
        results = model.eval()(inputs, samples, mode='predict')
        texts = F.normalize(model.embed_texts(inputs), dim=-1)
        draws = F.normalize(model.embed(inputs), dim=-1)
    cosine = results[0].video_embedding @ results[1].text_embedding
    assert torch.allclose(cosine, (draws[0] @ texts[1]).mean(), atol=1e-6)
    metric = VideoTextRetrievalMetric()
    metric.process(None, [result.to_dict() for result in results])
    metrics = metric.evaluate(2)
    assert metrics['retrieval/text_to_video_R@5'] == 100
    assert metrics['retrieval/videos'] == 2
