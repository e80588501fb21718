"""Every config builds, trains a step, predicts, and is listed in a metafile."""

import fnmatch
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmvtg.datasets.encoding_spec import parse_encoding
from mmvtg.models.towers.clip_weights import check_tag
from mmvtg.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmvtg.structures import GroundingDataSample
from mmvtg.utils.launch import load_config

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.glob('configs/*/*.py')
    if path.parent.name != '_base_'
)
# these have tests of their own
OTHERS = tuple(
    f'configs/{name}/'
    for name in (
        'actprompt',
        'efficient_prompt',
        'mmn',
        'slowfast',
        'stale',
        'tiny_clip',
        'vdi',
    )
)
GROUNDERS = [path for path in CONFIGS if not path.startswith(OTHERS)]


def load(path: str) -> Config:
    return Config.fromfile(str(ROOT / path))


def make_batch(cfg: Config, lengths=(19, 24)) -> dict:
    rng = torch.Generator().manual_seed(0)
    neck, patches = cfg.model.neck, 5
    video, query, samples = [], [], []
    for index, length in enumerate(lengths):
        width = neck.video_dims
        width = width if isinstance(width, int) else sum(width)
        shape = (length, 4, patches, width)
        video.append(torch.randn(shape, generator=rng).half())
        query.append(torch.randn(7 + index, 4, neck.query_dims, generator=rng).half())
        fps = 0.5 if cfg.fps == 'auto' else cfg.fps
        sample = GroundingDataSample(
            metainfo=dict(
                video_id=f'v{index}',
                query_id=index,
                query='q',
                duration=length / fps,
                fps=fps,
                num_clips=length,
                positive_clips=np.array([3, 4]),
            )
        )
        spans = torch.tensor([[3.0, 8.0]]) / fps
        sample.gt_moments = InstanceData(spans=spans)
        sample.gt_saliency = torch.zeros(length)
        sample.gt_saliency[3:8] = 1
        samples.append(sample)
    return dict(inputs=dict(video=video, query=query), data_samples=samples)


def leaf(dataset: dict) -> dict:
    return leaf(dataset['dataset']) if 'dataset' in dataset else dataset


def test_there_are_configs():
    assert len(GROUNDERS) >= 8


@pytest.mark.parametrize('path', GROUNDERS)
def test_config_trains_a_step_and_predicts(path):
    cfg = load(path)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    batch = make_batch(cfg)
    data = model.data_preprocessor(batch, training=True)
    losses = model(**data, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    grads = [p.grad for p in model.parameters() if p.requires_grad]
    assert all(g is not None and g.isfinite().all() for g in grads)
    model.eval()
    with torch.inference_mode():
        results = model(**data, mode='predict')
    assert [len(r.pred_saliency) for r in results] == [19, 24]
    if cfg.model.head.get('with_boundary', True):
        assert results[0].pred_moments.spans.shape[1] == 2
        scores = results[0].pred_moments.scores
        assert (scores[:-1] >= scores[1:]).all()


@pytest.mark.parametrize('path', CONFIGS)
def test_names_in_config_are_known(path):
    cfg = load(path)
    for split in ('train', 'val', 'test'):
        if cfg[f'{split}_dataloader'] is None:
            continue  # zero-shot protocols do not validate
        dataset = leaf(cfg[f'{split}_dataloader'].dataset)
        assert DATASETS.get(dataset.type) is not None
        for step in dataset.get('pipeline', []):
            TRANSFORMS.build(step)
    if cfg.val_evaluator is not None:
        METRICS.build(cfg.val_evaluator)
    if cfg.test_evaluator is not None:
        METRICS.build(cfg.test_evaluator)
    for hook in [*cfg.default_hooks.values(), *cfg.custom_hooks]:
        HOOKS.build(hook)
    assert cfg.default_scope == 'mmvtg'


#: Models that train a tower; no stored features are read with a block `encoding`.
TOWER_TRAININGS = ('configs/slowfast/', 'configs/tiny_clip/')


@pytest.mark.parametrize('path', CONFIGS)
def test_config_says_how_a_raw_video_is_encoded(path):
    cfg = load_config(str(ROOT / path))
    if cfg.get('encoding') is None:
        decodes = any(
            step['type'] == 'DrawVideoFrames'
            for step in leaf(cfg.test_dataloader.dataset).get('pipeline', [])
        )
        assert decodes or path.startswith(TOWER_TRAININGS)
        return
    spec = parse_encoding(cfg.encoding)
    assert spec.loaded and spec.loader()
    for name, stream in spec.streams.items():
        if stream.tower is None:
            assert not stream.auxiliary and len(stream.why_no_tower) > 30, name
        else:
            assert MODELS.get(stream.tower['type']) is not None
            assert stream.expected_manifest()['sampling'] == stream.sampling
    if spec.query is not None:
        assert MODELS.get(spec.query.tower['type']) is not None


def encoded(name: str) -> dict:
    """Load the block of the features that a file of configs/_base_/features names."""
    return Config.fromfile(str(ROOT / f'configs/_base_/features/{name}.py')).encoding


@pytest.mark.parametrize(
    'path',
    sorted(ROOT.glob('configs/_base_/features/*.py')),
    ids=lambda path: path.stem,
)
def test_files_of_features_hold_one_block(path):
    spec = parse_encoding(encoded(path.stem))
    assert spec.streams and spec.loader()


def test_data_sets_get_the_block_of_their_config():
    for path in CONFIGS:
        cfg = load_config(str(ROOT / path))
        for split in ('train', 'val', 'test'):
            loader = cfg.get(f'{split}_dataloader')
            dataset = leaf(loader.dataset) if loader else {}
            if dataset.get('type') in ('GroundingDataset', 'ActionDetectionDataset'):
                spec = parse_encoding(dataset.encoding)
                assert list(spec.streams) == list(cfg.encoding.streams), path
                folders = set(spec.loaded) - set(dataset.data_prefix)
                assert not folders, (path, folders)


def test_losses_alone_read_patches_in_training():
    """VDI's dynamic injection reads patches, its model class tokens."""
    for path in CONFIGS:
        if path.startswith('configs/vdi/'):
            cfg = load_config(str(ROOT / path))
            read = [
                parse_encoding(leaf(cfg[f'{split}_dataloader'].dataset).encoding)
                for split in ('train', 'val', 'test')
            ]
            options = [spec.loader() for spec in read]
            assert [one['class_token'] for one in options] == [False, True, True]
            assert [one['num_layers'] for one in options] == [1, 1, 1]


def test_every_config_is_in_a_metafile_that_the_index_imports():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    listed = []
    for path in index['Import']:
        meta = yaml.safe_load((ROOT / path).read_text())
        names = {collection['Name'] for collection in meta['Collections']}
        for collection in meta['Collections']:
            assert (ROOT / collection['README']).is_file()
        for model in meta['Models']:
            assert model['In Collection'] in names
            assert Path(model['Config']).stem == model['Name']
            listed.append(model['Config'])
    assert sorted(listed) == CONFIGS


@pytest.mark.parametrize(
    'path, count',
    [
        ('r2_tuning/*_qvhighlights', 2836242),
        ('r2_tuning/*_charades-sta', 2836242),
        ('r2_tuning/*_tvsum', 1846281),
        # less the learned positions of words that the authors make and never use
        ('moment_detr/*_clip-slowfast_*_qvhighlights', 4823305 - 34 * 256),
        ('moment_detr/*_clip_*_qvhighlights', 4228873 - 34 * 256),
        ('qd_detr/*_clip-slowfast_*_qvhighlights', 7585573 - 34 * 256),
        ('qd_detr/*_clip_*_qvhighlights', 6991141 - 34 * 256),
        ('qd_detr/*-pann_*_qvhighlights', 8114473 - 34 * 256),
        ('tr_detr/*_clip-slowfast_*_qvhighlights', 8308773 - 34 * 256),
        ('tr_detr/*-pann_*_qvhighlights', 8837673 - 34 * 256),
        ('univtg/*_clip-slowfast_*_qvhighlights', 43406855 - 77 * 1024),
        ('univtg/*_clip_*_qvhighlights', 41042951 - 77 * 1024),
    ],
)
def test_size_of_the_authors_models(path, count):
    (found,) = fnmatch.filter(CONFIGS, f'configs/{path}.py')
    model = MODELS.build(load(found).model)
    assert sum(p.numel() for p in model.parameters()) == count


def towers(config):
    """Yield the configs of all towers in a config."""
    values = config.values() if isinstance(config, dict) else config
    if isinstance(config, dict) and 'pretrained' in config and 'model' in config:
        yield config
    for value in values:
        if isinstance(value, (dict, list, tuple)):
            yield from towers(value)


@pytest.mark.parametrize('path', CONFIGS)
def test_pretrained_weights_exist_and_have_the_activation_of_the_tower(path):
    cfg = load_config(str(ROOT / path))
    tagged = {
        (tower['model'], tower['pretrained'])
        for tower in towers(cfg.to_dict())
        if tower.get('type', '').startswith('CLIP') and tower['pretrained']
    }
    for model, tag in tagged:
        if tag == 'shipped':
            assert model == 'tiny-clip'
        else:
            check_tag(model, tag)
