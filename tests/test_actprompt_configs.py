"""Configs of ActPrompt: they build over a small CLIP, train a step and extract."""

import json
from pathlib import Path

import open_clip
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

import mmvtg  # noqa: F401
from mmvtg.datasets.encoding_spec import parse_encoding
from mmvtg.registry import DATASETS, MODELS
from mmvtg.structures import GroundingDataSample
from mmvtg.utils.launch import load_config

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(path.relative_to(ROOT) for path in ROOT.glob('configs/actprompt/*.py'))
PRETEXT = [str(p) for p in CONFIGS if 'detr' not in p.name and 'univtg' not in p.name]
GROUNDERS = [str(p) for p in CONFIGS if str(p) not in PRETEXT and 'tiny' in p.name]
#: Features of adapted towers, as MMVTG_CLIPS names them.
ADAPTED = [
    'action-prompt',
    'actprompt',
    'actprompt-marked',
    'adapter',
    'no-consistency',
    'no-contrast',
    'no-ranking',
    'vanilla-prompt',
    'vpt',
]
LAYERS, WIDTH, TEXT, MOTION = 2, 24, 16, 5


@pytest.fixture(scope='module', autouse=True)
def small_clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clips')
    sizes = dict(
        embed_dim=16,
        vision_cfg=dict(
            image_size=16, patch_size=8, layers=LAYERS, width=WIDTH, head_width=8
        ),
        text_cfg=dict(context_length=20, vocab_size=64, width=TEXT, heads=2, layers=2),
    )
    (folder / 'actprompt-test.json').write_text(json.dumps(sizes))
    open_clip.add_model_config(folder)


def shrink(tower):
    """A tower's config over a CLIP without weights; the kinds of hooks as they are."""
    tower.update(model='actprompt-test', pretrained=None)
    for hook in tower.get('hooks', []):
        if hook.type != 'TokenTap':
            hook.update(width=WIDTH, num_layers=LAYERS)
        if hook.type == 'ActionPrompt':
            hook.update(motion_dim=MOTION, text_width=TEXT)
    return tower


def make_batch(model, guided):
    frames = [torch.randint(0, 256, (n, 3, 16, 16), dtype=torch.uint8) for n in (3, 1)]
    inputs = dict(positive=frames, intra=[frames[1], frames[0][:0]])
    if guided:
        for name in ('positive', 'intra'):
            rows = [torch.randn(len(run), MOTION) for run in inputs[name]]
            inputs[f'{name}_motion'] = rows
    inputs['token_ids'] = [torch.tensor([62, 5, 6, 63]), torch.tensor([62, 7, 63])]
    samples = [
        GroundingDataSample(metainfo=dict(video_id=v, query_id=v, verb_position=1))
        for v in 'ab'
    ]
    return model.data_preprocessor(dict(inputs=inputs, data_samples=samples), True)


def test_there_are_configs():
    assert len(PRETEXT) >= 8 and len(GROUNDERS) >= 2


@pytest.mark.parametrize('path', PRETEXT)
def test_pretext_config_trains_its_hooks_alone(path):
    cfg = Config.fromfile(str(ROOT / path))
    for tower in (cfg.model.vision_tower, cfg.model.text_tower):
        shrink(tower)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    guided = cfg.model.vision_tower.hooks[0].type == 'ActionPrompt'
    assert model.guided == guided
    before = {name: p.clone() for name, p in model.named_parameters()}
    batch = make_batch(model, guided)
    for _ in range(2):  # an adapter's first half has no gradient at the start
        losses = model(**batch, mode='loss')
        optimizer.update_params(model.parse_losses(losses)[0])
    for name, parameter in model.named_parameters():
        assert parameter.isfinite().all()
        moved = not torch.equal(parameter, before[name])
        assert moved == name.startswith('vision_tower.hooks.'), name


@pytest.mark.parametrize('path', PRETEXT)
def test_features_are_made_by_the_hooks_that_were_trained(path, tmp_path):
    cfg = Config.fromfile(str(ROOT / path))
    trained = shrink(cfg.model.vision_tower)
    stream = cfg.encoding.streams.video
    tower = shrink(stream.tower)
    assert tower.hooks == trained.hooks
    model = MODELS.build(trained)
    tower.hook_weights = str(tmp_path / 'epoch_10.pth')
    state = {f'vision_tower.{k}': v for k, v in model.state_dict().items()}
    torch.save(dict(state_dict=state), tower.hook_weights)
    loaded = MODELS.build(tower)
    assert loaded.describe_hooks() == model.describe_hooks()
    guided = trained.hooks[0].type == 'ActionPrompt'
    assert (stream.get('motion') == 'motion') == guided
    assert ('motion' in cfg.encoding.streams) == guided
    temporal = trained.hooks[-1].type == 'TemporalPrompt'
    assert loaded.couples_frames == temporal


@pytest.mark.parametrize('path', PRETEXT)
def test_motion_is_read_where_it_is_used(path, tmp_path):
    cfg = Config.fromfile(str(ROOT / path))
    line = dict(qid=1, query='it rises', vid='v', duration=8, relevant_windows=[[2, 4]])
    (tmp_path / 'a.jsonl').write_text(json.dumps(line))
    dataset = dict(cfg.train_dataloader.dataset, data_root=str(tmp_path))
    dataset.update(ann_file='a.jsonl', lazy_init=True, pipeline=[])
    (sample,) = DATASETS.build(dataset).load_data_list()
    guided = cfg.model.vision_tower.hooks[0].type == 'ActionPrompt'
    assert ('motion_feature_path' in sample) == guided


@pytest.mark.parametrize('path', [p for p in PRETEXT if 'clip-b32' in p])
def test_settings_of_the_paper(path):
    cfg = Config.fromfile(str(ROOT / path))
    assert cfg.optim_wrapper.optimizer.lr == 0.1 and cfg.train_cfg.max_epochs == 10
    assert cfg.train_dataloader.sampler == dict(type='DisjointSampler', ratio=0.1)
    losses = cfg.model.losses
    assert losses.ranking.loss_weight == (10 if 'charades' in path else 5)
    assert losses.consistency.loss_weight == 200
    hooks = [MODELS.build(hook) for hook in cfg.model.vision_tower.hooks]
    count = sum(p.numel() for hook in hooks for p in hook.parameters())
    assert count == 11_245_824
    assert hooks[1].neighbours == 1


@pytest.mark.parametrize('path', GROUNDERS)
def test_grounders_read_the_folder_that_is_named(path, monkeypatch):
    monkeypatch.setenv('MMVTG_CLIPS', 'actprompt')
    cfg = load_config(str(ROOT / path))
    hooks = cfg.encoding.streams.video.tower.hooks
    assert [hook.type for hook in hooks] == ['ActionPrompt', 'TemporalPrompt']
    model = MODELS.build(cfg.model)
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        assert dataset.data_prefix.video == 'features/actprompt'
    video = [torch.randn(n, 96).half() for n in (19, 24)]
    query = [torch.randn(7, 1, 96).half() for _ in video]
    data = model.data_preprocessor(dict(inputs=dict(video=video, query=query)))
    fused = model(**data, mode='tensor')
    assert fused.mask.shape[:2] == (2, 24)


@pytest.mark.parametrize('name', ADAPTED)
def test_the_name_of_features_is_that_of_their_tower(name, monkeypatch):
    monkeypatch.setenv('MMVTG_CLIPS', name)
    monkeypatch.setenv('MMVTG_HOOKS', 'epoch_10.pth')
    cfg = load_config(str(ROOT / GROUNDERS[0]))
    spec = parse_encoding(cfg.encoding)
    assert list(spec.loaded) == ['video'] and spec.query.tower is not None
    tower = spec.streams['video'].tower
    assert tower['hook_weights'] == 'epoch_10.pth'
    trained = {
        'no-consistency': 'actprompt',
        'no-contrast': 'actprompt',
        'no-ranking': 'actprompt',
        'actprompt-marked': 'actprompt',
    }.get(name, name)
    pretext = f'configs/actprompt/{trained}_tiny-clip_1xb16-10e_moving-shapes.py'
    pretext = Config.fromfile(str(ROOT / pretext))
    assert tower['hooks'] == pretext.model.vision_tower.hooks


def test_hooks_of_the_paper_make_the_features_beside_slowfast():
    """Both feature files of the real sets have the hooks of the pretext training."""
    (path,) = ROOT.glob('configs/actprompt/qd-detr_actprompt-slowfast_*.py')
    cfg = load_config(str(path))
    trained = Config.fromfile(
        str(ROOT / 'configs/actprompt/actprompt_clip-b32_1xb16-10e_qvhighlights.py')
    )
    spec = parse_encoding(cfg.encoding)
    assert list(spec.loaded) == ['slowfast', 'clip']
    clip = spec.streams['clip']
    assert clip.tower['hooks'] == trained.model.vision_tower.hooks
    assert clip.tower == trained.encoding.streams.video.tower
    assert clip.motion == 'slowfast'
