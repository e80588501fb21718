"""Misspelt names anywhere in a config are found when it is read."""

from pathlib import Path

import pytest

from mmvtg.part_arguments import ConfigError
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
        "model = dict(neck=dict(_delete_=True, type='MyOwnNeck'))"
    )


@pytest.mark.parametrize(
    'option, near',
    [
        ('visualiser.type', 'visualizer'),
        ('trainer_cfg.max_epochs', 'train_cfg'),
        ('optimizer.lrr', 'optim_wrapper.optimizer'),
        ('neck.num_steps', 'model.neck'),
        ('tset_dataloader.batch_size', 'test_dataloader'),
        ('load_form', 'load_from'),
        ('train_cfg.max_epoch', 'max_epochs'),
        ('val_dataloader.batchsize', 'batch_size'),
        ('train_dataloader.dataset.anno_file', 'ann_file'),
        ('train_dataloader.sampler.shufle', 'shuffle'),
        ('optim_wrapper.optimizer.lrr', 'lr'),
        ('optim_wrapper.clip_gradd.max_norm', 'clip_grad'),
        ('model.nek.channels', 'neck'),
        ('model.neck.num_step', 'num_steps'),
        ('model.head.losses.cls.gama', 'gamma'),
        ('model.head.post_processor.kep', 'keep'),
        ('default_hooks.checkpoint.intervall', 'interval'),
        ('default_hooks.checkpoint.max_keep_ckpt', 'max_keep_ckpts'),
        ('default_hooks.loger.interval', 'logger'),
        ('test_evaluator.submision_file', 'submission_file'),
        ('encoding.streams.video.frame_sise', 'frame_size'),
        ('encoding.windows', 'window'),
        ('randomness.sed', 'seed'),
        ('env_cfg.cudnn_bench', 'cudnn_benchmark'),
        ('auto_scale_lr.base_batchsize', 'base_batch_size'),
    ],
)
def test_misspelt_field_is_found(derive, option, near):
    with pytest.raises(ConfigError) as caught:
        derive(**{option: 1})
    message = str(caught.value)
    assert '\n' not in message and option.partition('.')[0] in message
    assert near in message.split('did you mean')[1]


@pytest.mark.parametrize(
    'option, value',
    [
        ('load_from', 'x.pth'),
        ('resume', True),
        ('experiment_name', 'a'),
        ('model_wrapper_cfg.type', 'MMDistributedDataParallel'),
        ('model_wrapper_cfg.find_unused_parameters', True),
        ('find_unused_parameters', True),
        ('randomness.seed', 3),
        ('custom_hooks', [dict(type='EMAHook', momentum=0.1, priority=49)]),
        ('default_hooks.early', dict(type='EarlyStoppingHook', monitor='mAP')),
        ('default_hooks.checkpoint.save_best', 'auto'),
        ('train_dataloader.dataset.ann_file', 'other.jsonl'),
        ('train_dataloader.dataset.indices', 4),
        ('train_dataloader.dataset.data_prefix.new', 'folder'),
        ('train_dataloader.pin_memory', True),
        ('train_dataloader.num_batch_per_epoch', 2),
        ('val_dataloader.dataset.pipeline.0.max_clips', 10),
        ('optim_wrapper.accumulative_counts', 2),
        ('optim_wrapper.paramwise_cfg.bias_lr_mult', 2.0),
        ('optim_wrapper.optimizer.fused', False),
        ('model.init_cfg', dict(type='Pretrained', checkpoint='x.pth')),
        ('compile', True),
    ],
)
def test_new_fields_of_mmengine_and_of_parts_are_taken(derive, option, value):
    derive(**{option: value})


@pytest.mark.parametrize('name', ['data_root', 'channels', 'train_pipeline.0.type'])
def test_variables_of_the_config_are_too_late_for_options(derive, name):
    """The fields that use the variable have its old value already."""
    with pytest.raises(ConfigError, match='is a variable.* change the fields') as error:
        derive(**{name: 'x'})
    if name == 'data_root':
        assert 'train_dataloader.dataset.data_root' in str(error.value)


@pytest.mark.parametrize(
    'options', [{'train_cfg.max_epochs.x': 1}, {'custom_hooks.7.type': 'EMAHook'}]
)
def test_option_that_fits_no_field_is_one_line(derive, options):
    with pytest.raises(ConfigError, match='^--cfg-options: [^\n]+$'):
        derive(**options)


@pytest.mark.parametrize('text', ['model = dict(', 'x = 1 / 0', "_base_ = ['no.py']"])
def test_config_that_cannot_be_read_is_one_line(tmp_path, text):
    path = tmp_path / 'bad.py'
    path.write_text(text)
    with pytest.raises((ConfigError, FileNotFoundError)) as caught:
        load_config(str(path))
    message = str(caught.value)
    assert message.startswith(str(path)) and '\n' not in message


def test_arguments_of_parts_with_open_signatures_are_left_alone(
    derive, tmp_path, monkeypatch
):
    (tmp_path / 'open_necks.py').write_text(
        'from mmvtg.registry import MODELS\n'
        '@MODELS.register_module()\n'
        'class OpenNeck:\n'
        '    def __init__(self, channels, **options):\n'
        '        pass\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    derive(
        "custom_imports = dict(imports=['open_necks'])\n"
        "model = dict(neck=dict(_delete_=True, type='OpenNeck', anything=1))"
    )


LAZY = """
from mmengine.config import read_base
from mmengine.hooks import EMAHook
from mmvtg.models.grounders import VideoGrounder
from mmvtg.models.necks import R2Block
with read_base():
    from .base import *
model.update(type=VideoGrounder)
model.neck.update(type=R2Block)
custom_hooks = [dict(type=EMAHook)]
spare = dict(type='mmvtg.R2Block')
"""


def test_types_have_one_spelling(derive, tmp_path):
    derive().dump(str(tmp_path / 'base.py'))
    path = tmp_path / 'lazy.py'
    path.write_text(LAZY)
    cfg = load_config(str(path))
    assert cfg.model.type == 'VideoGrounder' and cfg.model.neck.type == 'R2Block'
    assert cfg.custom_hooks[0].type == 'EMAHook' and cfg.spare.type == 'R2Block'


def test_class_as_type_is_checked_too(derive, tmp_path):
    derive().dump(str(tmp_path / 'base.py'))
    path = tmp_path / 'lazy.py'
    path.write_text(LAZY + 'model.neck.update(num_step=2)')
    with pytest.raises(ConfigError, match='model.neck: R2Block.*num_steps'):
        load_config(str(path))
