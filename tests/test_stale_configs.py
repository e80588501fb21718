"""Every detector of configs/stale trains a step and predicts."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData

from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

ROOT = Path(__file__).parents[1]
SMALL = sorted(ROOT.glob('configs/stale/*moving-shapes.py'))
LARGE = sorted(set(ROOT.glob('configs/stale/*.py')) - set(SMALL))


def batch(cfg, width):
    size = cfg.train_dataloader.dataset.pipeline[0].get('num_snippets', 300)
    videos, samples = [], []
    for index in range(2):
        sample = GroundingDataSample(
            metainfo=dict(
                video_id=f'v{index}',
                duration=50.0,
                window=(0.0, 50.0),
                classes=['slide left', 'grow'],
            )
        )
        spans = torch.tensor([[5.0, 15.0], [30.0, 45.0]])
        labels = torch.tensor([index, 1])
        sample.gt_moments = InstanceData(spans=spans, labels=labels)
        samples.append(sample)
        videos.append(torch.randn(size, width))
    return dict(inputs=dict(video=videos), data_samples=samples)


@pytest.mark.parametrize('path', SMALL, ids=lambda path: path.stem)
def test_small_detector_trains_a_step_and_predicts(path):
    cfg = Config.fromfile(str(path))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    data = model.data_preprocessor(batch(cfg, 192))
    total, _ = model.parse_losses(model(**data, mode='loss'))
    total.backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    assert grads and all(grad.isfinite().all() for grad in grads)
    with torch.no_grad():
        results = model.eval()(**data, mode='predict')
    for result in results:
        found = result.pred_moments
        assert len(found.spans) == len(found.scores) == len(found.labels)
        assert found.labels.max() < 2 and (found.scores.diff() <= 0).all()


def test_words_that_training_does_not_name_keep_their_embeddings():
    """Adam makes full steps of a decay where there is no gradient."""
    cfg = Config.fromfile(
        str(ROOT / 'configs/stale/stale_tiny-clip_1xb32-20e_moving-shapes.py')
    )
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    clip = model.classifier.text_tower.clip
    before = {name: value.clone() for name, value in clip.named_parameters()}
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    for _ in range(2):
        model.train_step(batch(cfg, 192), wrapper)
    after = dict(clip.named_parameters())
    assert torch.equal(
        after['token_embedding.weight'], before['token_embedding.weight']
    )
    places = 'positional_embedding'
    assert torch.equal(after[places][40:], before[places][40:])  # none is as long
    assert not torch.equal(after[places][:8], before[places][:8])


@pytest.mark.parametrize('path', LARGE, ids=lambda path: path.stem)
def test_large_configs_agree_with_their_data(path):
    cfg = Config.fromfile(str(path))
    model, train = cfg.model, cfg.train_dataloader.dataset
    streams = cfg.encoding.streams.values()
    width = sum(stream.row_shape[0] for stream in streams)
    if model.embedding is None:
        assert width == model.head.channels
    else:
        assert width == model.embedding.in_channels
    assert cfg.val_dataloader is None and cfg.val_cfg is None
    test = cfg.test_dataloader.dataset
    if '-closed_' in path.stem:
        assert train.classes is None and test.classes is None and not train.unseen
    else:
        assert train.unseen == test.classes
        assert cfg.setting in train.classes and cfg.split in train.classes


def test_rates_of_the_paper():
    rates = {
        path.stem.rsplit('_', 1)[1]: Config.fromfile(
            str(path)
        ).optim_wrapper.optimizer.lr
        for path in LARGE
        if path.stem.startswith('stale_')
    }
    assert rates == dict(activitynet=1e-4, thumos14=1e-5)
