"""Misspelt names anywhere in a config are found when it is read."""

from pathlib import Path

import pytest

from mmvtg.utils.launch import load_config

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(ROOT.glob('configs/[!_]*/*.py'))
DEMO = ROOT / 'configs/r2_tuning/r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes.py'


@pytest.fixture
def derive(tmp_path):
    """A function that reads the demo's config with changes."""

    def load(text='', **options):
        path = tmp_path / 'derived.py'
        path.write_text(f'_base_ = [{str(DEMO)!r}]\n{text}\n')
        return load_config(str(path), options)

    return load


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_pass(path):
    assert load_config(str(path)).default_scope == 'mmvtg'


@pytest.mark.parametrize('name', ['feature_extractor', 'motion_extractor'])
def test_fields_of_earlier_versions_are_refused(derive, name):
    with pytest.raises(ValueError, match=f'`{name}`.*`encoding`.*docs/migration.md'):
        derive(f"{name} = dict(vision_tower=dict(type='FrameTower'))")


def test_there_are_configs():
    assert DEMO in CONFIGS


@pytest.mark.parametrize(
    'where, name, near',
    [
        ('model', 'VideoGroundr', 'VideoGrounder'),
        ('model.neck', 'R2Blok', 'R2Block'),
        ('model.vision_tower', 'StoredFeaturesTower', 'StoredFeatureTower'),
        ('model.head.losses.cls', 'FocalLos', 'FocalLoss'),
        ('model.head.post_processor', 'MomentPostProcesor', 'MomentPostProcessor'),
        ('encoding.streams.video.tower', 'ClipVisionTower', 'CLIPVisionTower'),
        ('encoding.query.tower', 'CLIPTextTowr', 'CLIPTextTower'),
        ('train_dataloader.dataset', 'GroundingDatset', 'GroundingDataset'),
        ('val_dataloader.sampler', 'DefaultSampeler', 'DefaultSampler'),
        ('test_evaluator', 'MomentRetrievlMetric', 'MomentRetrievalMetric'),
        ('default_hooks.checkpoint', 'SafeCheckpointHok', 'SafeCheckpointHook'),
        ('default_hooks.logger', 'LogerHook', 'LoggerHook'),
        ('optim_wrapper', 'OptimWraper', 'OptimWrapper'),
        ('optim_wrapper.optimizer', 'AdamV', 'Adam'),
        ('visualizer', 'GroundingVisualiser', 'GroundingVisualizer'),
        ('train_cfg', 'EpochBasedTrainLop', 'EpochBasedTrainLoop'),
        ('log_processor', 'LogProcesor', 'LogProcessor'),
    ],
)
def test_misspelt_name_is_found(derive, where, name, near):
    with pytest.raises(ValueError) as caught:
        derive(**{f'{where}.type': name})
    message = str(caught.value)
    assert message.startswith(f'{where}.type: type={name!r} is no ')
    assert near in message.split('did you mean')[1]


@pytest.mark.parametrize(
    'text, where, near',
    [
        (
            'val_dataloader = dict(dataset=dict(pipeline=['
            "dict(type='LoadStoredFeatures'), dict(type='PackGroundingInput')]))",
            'val_dataloader.dataset.pipeline[1].type',
            'PackGroundingInputs',
        ),
        (
            "custom_hooks = [dict(type='IterationSeedHok')]",
            'custom_hooks[0].type',
            'IterationSeedHook',
        ),
        (
            "param_scheduler = [dict(type='LinearLr')]",
            'param_scheduler[0].type',
            'LinearLR',
        ),
        (
            "val_evaluator = dict(_delete_=True, type='Evaluator', "
            "metrics=[dict(type='MomentRetrievelMetric')])",
            'val_evaluator.metrics[0].type',
            'MomentRetrievalMetric',
        ),
        (
            "visualizer = dict(vis_backends=[dict(type='LocalVisBackeng')])",
            'visualizer.vis_backends[0].type',
            'LocalVisBackend',
        ),
        (
            'train_dataloader = dict(dataset=dict(_delete_=True, '
            "type='RepeatDataset', times=2, dataset=dict(type='GroundingDatasets')))",
            'train_dataloader.dataset.dataset.type',
            'GroundingDataset',
        ),
    ],
)
def test_misspelt_name_in_a_list_or_wrapper_is_found(derive, text, where, near):
    with pytest.raises(ValueError) as caught:
        derive(text)
    assert str(caught.value).startswith(f'{where}: ')
    assert near in str(caught.value).split('did you mean')[1]


@pytest.mark.parametrize(
    'text',
    [
        # names of siblings, and what is inside of their parts
        "model = dict(neck=dict(_delete_=True, type='mmaction.X', a=dict(type='Y')))",
        "model = dict(neck=dict(_scope_='mmaction', type='Y'))",
        "optim_wrapper = dict(optimizer=dict(type='torch.optim.AdamW'))",
        # parts of mmengine
        "custom_hooks = [dict(type='EMAHook'), dict(type='EarlyStoppingHook')]",
        "model = dict(init_cfg=dict(type='Pretrained', checkpoint='x.pth'))",
        "train_dataloader = dict(collate_fn=dict(type='default_collate'))",
        # a `type` that is no part
        "optim_wrapper = dict(clip_grad=dict(type='value', clip_value=1.0))",
        "custom_hooks = [dict(type='ProfilerHook', on_trace_ready=dict(type='t'))]",
        # nothing to check
        'val_dataloader = val_evaluator = val_cfg = None',
        "default_scope = 'mmaction'\nmodel = dict(type='Recognizer2D')",
        "spare = dict(type='NoSuchPart')",
    ],
)
def test_right_names_are_left_alone(derive, text):
    derive(text)


def test_parts_of_custom_imports_are_known(derive, tmp_path, monkeypatch):
    (tmp_path / 'my_necks.py').write_text(
        'from mmvtg.registry import MODELS\n'
        '@MODELS.register_module()\n'
        'class MyOwnNeck:\n'
        '    pass\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    derive(
        "custom_imports = dict(imports=['my_necks'])\n"
        "model = dict(neck=dict(type='MyOwnNeck'))"
    )
