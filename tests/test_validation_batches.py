"""Real datasets are validated in batches, and batches change no prediction."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

ROOT = Path(__file__).parents[1]
METHODS = ['r2_tuning', 'moment_detr', 'qd_detr', 'tr_detr', 'univtg']
DATASETS = sorted(ROOT.glob('configs/_base_/datasets/*.py'))
CLIPS, WORDS = (21, 9, 30), (5, 11, 3)
NOISE = 1e-4


@pytest.mark.parametrize('path', DATASETS, ids=lambda path: path.stem)
def test_validation_is_batched_and_needs_no_more_memory_than_training(path):
    config = Config.fromfile(str(path))
    train = config.get('train_dataloader', {})
    for name in ('val_dataloader', 'test_dataloader'):
        loader = config.get(name)
        if not loader or loader.dataset.get('type') != 'GroundingDataset':
            continue
        assert loader.batch_size > 1, name
        # A batch sampler counts videos instead of queries.
        assert 'batch_sampler' in train or loader.batch_size <= train.batch_size, name


def real_models():
    """One config per model of the real datasets with stored features."""
    models = {}
    for method in METHODS:
        for path in sorted(ROOT.glob(f'configs/{method}/*.py')):
            if 'moving-shapes' in path.name:
                continue
            model = Config.fromfile(str(path)).model
            model.head.pop('post_processor', None)
            models.setdefault(json.dumps(model, sort_keys=True), path)
    return sorted(models.values())


def make_inputs(neck):
    """Stored features of samples of different lengths, zeros behind their ends."""
    rng = torch.Generator().manual_seed(1)
    widths = dict(video=neck.video_dims, query=neck.query_dims)
    inner = dict(video=(), query=())
    if neck.type == 'R2Block':
        inner = dict(video=(neck.num_steps, 5), query=(neck.num_steps,))
    inputs = {}
    for name, lengths in (('video', CLIPS), ('query', WORDS)):
        width = widths[name] if isinstance(widths[name], int) else sum(widths[name])
        mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        shape = (len(lengths), max(lengths), *inner[name], width)
        rows = torch.randn(shape, generator=rng)
        keep = mask.view(*mask.shape, *[1] * (rows.dim() - 2))
        inputs.update({name: rows * keep, f'{name}_mask': mask})
    return inputs


def alone(inputs, k):
    """Inputs of sample ``k`` without padding."""
    lengths = dict(video=CLIPS[k], query=WORDS[k])
    return {
        name: rows[k : k + 1, : lengths[name.removesuffix('_mask')]]
        for name, rows in inputs.items()
    }


def make_sample(k):
    meta = dict(query_id=k, fps=1.0, num_clips=CLIPS[k], duration=float(CLIPS[k]))
    return GroundingDataSample(metainfo=meta)


@pytest.mark.parametrize('path', real_models(), ids=lambda path: path.stem)
@torch.no_grad()
def test_predictions_do_not_depend_on_batch_mates(path):
    config = Config.fromfile(str(path)).model
    config.head.pop('post_processor', None)
    torch.manual_seed(0)
    model = MODELS.build(config).eval()
    for parameter in model.parameters():
        if parameter.dim() == 1:  # Norms, biases and gates must take part.
            parameter.data += 0.2 * torch.randn_like(parameter)
    inputs = make_inputs(config.neck)
    together = model.predict(inputs, [make_sample(k) for k in range(len(CLIPS))])
    for k, found in enumerate(together):
        (own,) = model.predict(alone(inputs, k), [make_sample(k)])
        pairs = [(found.pred_saliency, own.pred_saliency)]
        for field in ('spans', 'scores'):
            pairs.append(tuple(s.pred_moments[field] for s in (found, own)))
        for batched, expected in pairs:
            assert batched.shape == expected.shape
            assert torch.allclose(batched, expected, rtol=NOISE, atol=NOISE)
