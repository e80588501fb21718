"""The configs of Efficient-Prompt: small ones train a step, large ones agree."""

from pathlib import Path

import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmvtg.registry import MODELS
from mmvtg.structures import GroundingDataSample

ROOT = Path(__file__).parents[1]
ALL = sorted(ROOT.glob('configs/efficient_prompt/*.py'))
SMALL = [path for path in ALL if path.stem.endswith('moving-shapes')]
LARGE = [path for path in ALL if path not in SMALL]
WIDTH = 96


def drawn(cfg):
    """Two videos as the pipeline of the config would draw them."""
    step = cfg.train_dataloader.dataset.pipeline[0]
    videos = [torch.randn(2, step.num_frames, WIDTH) for _ in range(2)]
    gaps = [torch.tensor([step.gaps[0], step.gaps[-1]])] * 2
    return dict(video=videos, frame_gap=gaps)


def num_classes(cfg):
    """Of a recognition config: all ten actions, or those of a trial."""
    return cfg.train_dataloader.dataset.get('few_shot', {}).get('ways', 10)


def recognition(cfg, model):
    names = list(cfg.train_dataloader.dataset.classes)[: num_classes(cfg)]
    model.set_classes(names)
    samples = [ActionDataSample().set_gt_label(label) for label in (3, len(names) - 1)]
    return dict(inputs=drawn(cfg), data_samples=samples)


def retrieval(cfg, model):
    samples = [
        ActionDataSample(metainfo=dict(video_id=f'v{i}', query_id=i, query='q'))
        for i in range(2)
    ]
    ids = [torch.tensor([49406, *words, 49407]) for words in ([320, 9], [7])]
    return dict(inputs=dict(drawn(cfg), token_ids=ids), data_samples=samples)


def localisation(cfg, model):
    size = cfg.train_dataloader.dataset.pipeline[0].num_snippets
    samples = []
    for index in range(2):
        meta = dict(
            video_id=f'v{index}', window=(0.0, 50.0), classes=['slide left', 'grow']
        )
        sample = GroundingDataSample(metainfo=meta)
        sample.gt_moments = InstanceData(
            spans=torch.tensor([[5.0, 15.0]]), labels=torch.tensor([index])
        )
        samples.append(sample)
    videos = [torch.randn(size, WIDTH) for _ in range(2)]
    if 'localisation' in cfg.filename:
        model.head._known = {'v0': (torch.tensor([[4.0, 16.0]]), torch.tensor([0.5]))}
    return dict(inputs=dict(video=videos), data_samples=samples)


BATCHES = dict(
    ActionRecognizer=recognition,
    VideoTextRetriever=retrieval,
    TemporalActionDetector=localisation,
)


@pytest.mark.parametrize('path', SMALL, ids=lambda path: path.stem)
def test_small_config_trains_a_step_and_predicts(path):
    cfg = Config.fromfile(str(path))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    data = model.data_preprocessor(BATCHES[cfg.model.type](cfg, model))
    total, _ = model.parse_losses(model(**data, mode='loss'))
    assert total.isfinite()
    learned = [p for p in model.parameters() if p.requires_grad]
    assert bool(learned) != path.stem.startswith('hand-written')
    if learned:
        total.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in learned)
    with torch.no_grad():
        results = model.eval()(**data, mode='predict')
    if cfg.model.type == 'ActionRecognizer':
        assert results[0].pred_score.shape == (num_classes(cfg),)
        assert results[0].pred_score.sum() == pytest.approx(1, abs=1e-5)
    elif cfg.model.type == 'VideoTextRetriever':
        assert results[0].video_embedding.shape == (WIDTH,)
    elif 'localisation' in path.stem:
        assert len(results[0].pred_moments.spans) == 1
        assert len(results[1].pred_moments.spans) == 0
    else:
        found = results[0].pred_moments
        assert len(found.spans) and (found.scores.diff() <= 0).all()


def parts(config, kind):
    """All parts of a type in a config."""
    if isinstance(config, dict):
        if config.get('type') == kind:
            yield config
        config = list(config.values())
    for value in config if isinstance(config, (list, tuple)) else ():
        yield from parts(value, kind)


@pytest.mark.parametrize('path', ALL, ids=lambda path: path.stem)
def test_parts_agree(path):
    cfg = Config.fromfile(str(path))
    hooks = list(parts(cfg.model, 'ContextPrompt'))
    added = sum(hook.num_before + hook.num_after for hook in hooks)
    width = WIDTH if path in SMALL else 512
    assert all(hook.width == width for hook in hooks)
    temporal = list(parts(cfg.model, 'TemporalTransformer'))
    assert all(one.channels == width for one in temporal)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        if loader is None:
            assert cfg.val_cfg is None and cfg.val_evaluator is None
            continue
        steps = {step['type']: step for step in loader.dataset.pipeline}
        if 'TokenizeQuery' in steps:
            assert steps['TokenizeQuery'].context_length + added <= 77
        draw = steps.get('DrawStoredFrames') or steps.get('DrawVideoFrames')
        if draw is not None and temporal:
            assert draw.get('num_frames', 16) == temporal[0].max_frames
            gaps = draw.get('gaps', (1, 2, 3, 4, 5, 6, 10, 15))
            assert max(gaps) <= temporal[0].max_gap
        if loader is not cfg.train_dataloader and draw is not None:
            assert draw.num_draws == 5


def test_class_lists_of_a_zero_shot_run_differ():
    for path in ALL:
        if 'zero-shot' in path.stem:
            cfg = Config.fromfile(str(path))
            keep = [cfg[f'{s}_dataloader'].dataset.keep for s in ('train', 'test')]
            swapped = keep[0].replace('/train/', '/test/').replace('/train.', '/test.')
            assert swapped == keep[1] != keep[0]


def test_few_shot_configs_ask_for_their_trial():
    for path in ALL:
        if '5-shot' in path.stem:
            dataset = Config.fromfile(str(path)).train_dataloader.dataset
            assert '{trial}' in dataset.ann_file or dataset.few_shot.shots == 5
