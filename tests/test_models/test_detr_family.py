"""What Moment-DETR, QD-DETR, TR-DETR and UniVTG have to do alike."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

ROOT = Path(__file__).parents[2]
METHODS = ['moment_detr', 'qd_detr', 'tr_detr', 'univtg']
CLIPS, WORDS = (9, 14, 11), (5, 3, 7)


def build(method):
    (path,) = ROOT.glob(f'configs/{method}/*_1xb16-*_moving-shapes.py')
    config = Config.fromfile(str(path)).model
    torch.manual_seed(0)
    model = MODELS.build(config)
    for parameter in model.parameters():
        if parameter.dim() == 1:  # norms and biases are to take part
            parameter.data += 0.2 * torch.randn_like(parameter)
    return model.eval()


@pytest.fixture(params=METHODS)
def model(request):
    return build(request.param)


def make_samples(moments=((2.0, 6.0),)):
    samples = []
    for k, clips in enumerate(CLIPS):
        meta = dict(query_id=k, video_id=f'v{k}', fps=1.0, num_clips=clips)
        meta.update(duration=float(clips), positive_clips=np.array([2, 3, 4, 5]))
        sample = GroundingDataSample(metainfo=meta)
        sample.gt_moments = InstanceData(spans=torch.tensor(moments).reshape(-1, 2))
        sample.gt_saliency = torch.zeros(clips)
        sample.gt_saliency[2:6] = torch.tensor([0.25, 1.0, 0.5, 0.75])
        samples.append(sample)
    return samples


def make_inputs(extra=0):
    """Stored layers with patches, padded to the longest and ``extra`` more."""
    rng = torch.Generator().manual_seed(1)
    inputs = {}
    for name, lengths, shape in (
        ('video', CLIPS, (4, 3, 128)),
        ('query', WORDS, (4, 96)),
    ):
        size = max(lengths) + extra
        mask = torch.arange(size) < torch.tensor(lengths)[:, None]
        rows = torch.zeros(len(lengths), size, *shape)
        for row, length in zip(rows, lengths):
            row[:length] = torch.randn(length, *shape, generator=rng)
        inputs.update({name: rows.half(), f'{name}_mask': mask})
    return inputs


@torch.no_grad()
def predict(model, inputs, samples=None):
    found = model.predict(inputs, samples or make_samples())
    return [
        (s.pred_moments.spans, s.pred_moments.scores, s.pred_saliency) for s in found
    ]


def assert_same(one, two):
    for first, second in zip(one, two):
        for a, b in zip(first, second):
            assert a.shape == b.shape
            assert torch.allclose(a, b, atol=1e-5, rtol=1e-5)


def test_thirty_padded_clips_and_words_change_nothing(model):
    model.head.post_processor = None  # rounding would hide a difference
    assert_same(predict(model, make_inputs()), predict(model, make_inputs(extra=30)))


def test_a_sample_gives_in_a_batch_what_it_gives_alone(model):
    model.head.post_processor = None
    batch = predict(model, make_inputs())
    for k in range(len(CLIPS)):
        alone = {name: value[k : k + 1] for name, value in make_inputs().items()}
        for name, length in (('video', CLIPS[k]), ('query', WORDS[k])):
            alone[name] = alone[name][:, :length]
            alone[f'{name}_mask'] = alone[f'{name}_mask'][:, :length]
        assert_same(batch[k : k + 1], predict(model, alone, make_samples()[k : k + 1]))


def test_a_video_that_queries_share_is_a_video_a_query(model):
    model.head.post_processor = None
    inputs = make_inputs()
    owners = torch.tensor([1, 1, 0])
    apart = dict(inputs, video=inputs['video'][owners])
    apart['video_mask'] = inputs['video_mask'][owners]
    shared = dict(inputs, video_owners=owners)
    assert_same(predict(model, apart), predict(model, shared))


def test_only_class_tokens_of_the_last_layer_are_read(model):
    inputs = make_inputs()
    expected = predict(model, inputs)
    stored = dict(
        inputs,
        video=inputs['video'][:, :, -1, 0],
        query=inputs['query'][:, :, -1],
    )
    assert_same(expected, predict(model, stored))
    noisy = dict(inputs, video=inputs['video'].clone())
    noisy['video'][:, :, :-1] += 1
    noisy['video'][:, :, :, 1:] += 1
    assert_same(expected, predict(model, noisy))


def test_towers_run_online(model):
    """Frames and token ids in, and the answer of the features that they would store."""
    (path,) = ROOT.glob('configs/moment_detr/*_moving-shapes.py')
    encoding = Config.fromfile(str(path)).encoding
    stored = model.vision_tower, model.text_tower
    rng = torch.Generator().manual_seed(2)
    inputs = dict(
        video=torch.randint(256, (2, 9, 3, 64, 64), generator=rng, dtype=torch.uint8),
        video_mask=torch.arange(9) < torch.tensor([[9], [5]]),
        query=torch.tensor([[49406, 320, 736, 49407], [49406, 1746, 49407, 0]]),
        query_mask=torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]).bool(),
    )
    model.vision_tower = MODELS.build(encoding.streams.video.tower).eval()
    model.text_tower = MODELS.build(encoding.query.tower).eval()
    online = predict(model, inputs, make_samples()[:2])
    video = model.vision_tower(inputs['video'], inputs['video_mask'])
    query = model.text_tower(inputs['query'], inputs['query_mask'])
    inputs['video'] = torch.stack([x.detach() for x in video.layers], dim=2)
    inputs['query'] = torch.stack([x.detach() for x in query.layers], dim=2)
    model.vision_tower, model.text_tower = stored
    assert_same(online, predict(model, inputs, make_samples()[:2]))


@pytest.mark.parametrize('moments', [(), ((2.0, 6.0),), ((1.0, 3.0),) * 20])
def test_losses_are_finite_whatever_is_annotated(model, moments):
    if not moments and not hasattr(model.head, 'decoder'):
        pytest.skip('a point head is trained on videos with a moment')
    losses = model.train().loss(make_inputs(), make_samples(moments))
    assert set(losses) >= {f'loss_{role}' for role in model.head.losses}
    sum(losses.values()).backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)


def test_half_precision_trains(model):
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.train().loss(make_inputs(), make_samples())
        assert all(loss.dtype == torch.float32 for loss in losses.values())
    sum(losses.values()).backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)


def test_a_batch_of_one_is_trained(model):
    one = {name: value[:1] for name, value in make_inputs().items()}
    losses = model.train().loss(one, make_samples()[:1])
    assert sum(losses.values()).isfinite()


def test_the_seed_decides_what_is_drawn(model):
    for parameter in model.modules():
        if isinstance(parameter, torch.nn.Dropout):
            parameter.p = 0.0
    inputs, runs = make_inputs(), []
    for seed in (0, 0, 1, 2, 3):
        torch.manual_seed(seed)
        runs.append(sum(model.train().loss(inputs, make_samples()).values()).item())
    assert runs[0] == runs[1]
    assert len(set(runs)) > 1


@pytest.mark.parametrize('method', METHODS)
def test_an_unknown_role_of_a_loss_is_refused(method):
    (path,) = ROOT.glob(f'configs/{method}/*_1xb16-*_moving-shapes.py')
    head = Config.fromfile(str(path)).model.head
    for spam in (dict(type='BCELoss'), None):
        head.losses['spam'] = spam
        with pytest.raises(ValueError, match='spam.*want some of'):
            MODELS.build(head)


def test_width_that_does_not_fit_names_the_features(model):
    inputs = make_inputs()
    inputs['video'] = inputs['video'][..., :100]
    with pytest.raises(ValueError, match='100 channels.*128'):
        model.fuse(inputs)
