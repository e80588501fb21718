"""Models that read motion: answers for a raw video are those from stored features."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate

from mmvtg.apis import VTGInferencer
from mmvtg.apis.merging import merge_samples
from mmvtg.apis.windows import plan_windows
from mmvtg.extraction import FeatureExtractor
from mmvtg.registry import TRANSFORMS
from mmvtg.utils import register_all_modules
from mmvtg.visualization.video_writer import VideoWriter

ROOT = Path(__file__).parents[2]
MMN, VDI = (
    f'{name}_tiny-clip-slowfast_1xb4-12e_moving-shapes' for name in ('mmn', 'vdi-mmn')
)
QUERIES = ['a red circle slides to the left', 'the star stops']
SECONDS = 40


@pytest.fixture(scope='module')
def world(tmp_path_factory) -> dict:
    """A video with a square that wanders, and its features in stores."""
    folder = tmp_path_factory.mktemp('world')
    path = str(folder / 'v.mp4')
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 90, (64, 64, 3)).astype(np.uint8)
    with VideoWriter(path, 8, 64, 64) as writer:
        for index in range(8 * SECONDS):
            frame = noise.copy()
            left = int(24 + 20 * np.sin(index / 9))
            frame[20:40, left : left + 16, index // 60 % 3] = 240
            writer.write(frame)
    register_all_modules()
    cfg = Config.fromfile(str(ROOT / f'configs/mmn/{MMN}.py'))
    stores = {}
    for name, field in (('video', 'feature_extractor'), ('motion', 'motion_extractor')):
        settings = {**cfg[field].to_dict(), 'text_tower': None}
        extractor = FeatureExtractor(**settings, fps=1.0, num_workers=1)
        stores[name] = str(folder / name)
        report = extractor.extract_videos([('v', path)], stores[name], progress=False)
        assert report.written == 1
    return dict(path=path, **stores)


def stored_answers(inferencer: VTGInferencer, world: dict, windows: list) -> list:
    """What the model says of windows of what the test pipeline loads."""
    load, *rest = inferencer.cfg.test_dataloader.dataset.pipeline
    whole = TRANSFORMS.build(load)(
        dict(
            video_id='v',
            duration=float(SECONDS),
            fps=1.0,
            moments=np.zeros((0, 2)),
            annotator_scores=None,
            video_streams=['video', 'motion'],
            video_feature_path=f'{world["video"]}/v.npy',
            motion_feature_path=f'{world["motion"]}/v.npy',
        )
    )
    pipeline, answers = Compose([TRANSFORMS.build(step) for step in rest]), []
    for window in windows:
        rows = slice(*window)
        keys = ('video_features', 'motion_features')
        sample = dict(
            {key: whole[key][rows] for key in keys},
            video_id='v',
            duration=float(window.stop - window.start),
            fps=1.0,
            num_clips=window.stop - window.start,
        )
        batch = [
            pipeline(dict(sample, query_id=number, query=query))
            for number, query in enumerate(QUERIES)
        ]
        for packed in batch:
            packed['data_samples'].set_metainfo(dict(window=window))
        answers.append(inferencer.model.test_step(pseudo_collate(batch)))
    return [merge_samples(list(samples)) for samples in zip(*answers)]


@pytest.mark.parametrize('name', [MMN, VDI])
@pytest.mark.parametrize('window', [60.0, 16.0])
def test_answers_equal_those_from_stored_features(world, name, window):
    torch.manual_seed(0)
    ask = VTGInferencer(name, 'random', 'cpu', window=window)
    assert ask.text_tower is None  # the model has its own, which learned
    size = min(int(window), SECONDS)
    windows = plan_windows(SECONDS, size, size // 2 if size < SECONDS else 0)
    assert len(windows) == (1 if window == 60 else 4)
    for _ in range(2):  # the second time from the cache
        found = ask(world['path'], QUERIES, return_datasamples=True)['predictions']
        for one, other in zip(found, stored_answers(ask, world, windows)):
            assert len(one.pred_moments.scores) == len(other.pred_moments.scores) > 0
            for key in ('spans', 'scores'):
                assert torch.equal(one.pred_moments[key], other.pred_moments[key])
            assert torch.equal(one.pred_saliency, other.pred_saliency)


def test_motion_is_that_of_the_store_and_counts(world):
    ask = VTGInferencer(MMN, 'random', 'cpu')
    (part,) = ask.stream(world['path'])
    assert part.features.shape == (SECONDS, 1, 1, 128)  # a class token alone
    motion = ask.motion(world['path'], SECONDS)
    stored = np.load(f'{world["motion"]}/v.npy')
    assert motion.dtype == torch.float16 and stored.shape == (SECONDS, 96)
    assert np.array_equal(motion, stored)
    assert torch.equal(ask.motion(world['path'], 30), motion[:30])
    before = ask(world['path'], QUERIES[0])['predictions'][0]
    ask.motion = lambda path, clips: motion.flip(0)
    assert ask(world['path'], QUERIES[0])['predictions'][0] != before


def test_motion_of_another_rate_is_stretched_if_the_data_set_does(world):
    cfg = Config.fromfile(str(ROOT / f'configs/mmn/{MMN}.py'))
    cfg.motion_extractor.fps = 0.5
    with pytest.raises(ValueError, match='makes 0.5 clips a second, the model wants 1'):
        VTGInferencer(cfg, 'random', 'cpu')
    cfg.test_dataloader.dataset.streams.motion.resample = True
    ask = VTGInferencer(cfg, 'random', 'cpu')
    rows = ask.motion(world['path'], SECONDS)
    assert rows.shape == (SECONDS, 96) and rows.dtype == torch.float32
    assert ask(world['path'], QUERIES[0])['predictions'][0]['moments']


def test_a_config_must_say_where_motion_comes_from(world):
    cfg = Config.fromfile(str(ROOT / f'configs/mmn/{MMN}.py'))
    cfg.motion_extractor = None
    with pytest.raises(ValueError, match='motion.*add a motion_extractor'):
        VTGInferencer(cfg, 'random', 'cpu')


def test_what_is_stored_says_the_same_as_what_is_made():
    features = Config.fromfile(str(ROOT / 'configs/_base_/features/tiny_slowfast.py'))
    for path in ('mmn/' + MMN, 'vdi/' + VDI):
        cfg = Config.fromfile(str(ROOT / f'configs/{path}.py'))
        assert cfg.motion_extractor == features.feature_extractor
    assert json.dumps(features.feature_extractor.to_dict()).count('SlowFast') == 2
