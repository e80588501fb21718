"""Models that read motion: answers for a raw video are those from stored features."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmvtg.apis import VTGInferencer
from mmvtg.apis.merging import merge_samples
from mmvtg.apis.predictions import keep_valid_moments
from mmvtg.encoding.windows import plan_windows
from mmvtg.extraction import FeatureExtractor
from mmvtg.utils import register_all_modules
from mmvtg.utils.launch import load_config
from mmvtg.visualization.video_writer import VideoWriter

ROOT = Path(__file__).parents[2]
MMN, VDI = (
    f'{name}_tiny-clip-slowfast_1xb4-12e_moving-shapes' for name in ('mmn', 'vdi-mmn')
)
QUERIES = ['a red circle slides to the left', 'the star stops']
SECONDS = 40


def config(name: str):
    return load_config(str(next(ROOT.glob(f'configs/*/{name}.py'))))


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
    stores = {}
    for name, stream in config(MMN).encoding.streams.items():
        fields = ('frame_size', 'sampling', 'clip_frames', 'clip_rate')
        extractor = FeatureExtractor(
            vision_tower=stream.tower.to_dict(),
            fps=1.0,
            num_workers=1,
            **{field: stream[field] for field in fields if field in stream},
        )
        stores[name] = str(folder / name)
        report = extractor.extract_videos([('v', path)], stores[name], progress=False)
        assert report.written == 1
    return dict(path=path, **stores)


def stored_answers(inferencer: VTGInferencer, world: dict, windows: list) -> list:
    """What the test pipeline and the model make of windows of the stores."""
    answers = []
    for window in windows:
        sample = dict(
            video_id='v',
            duration=float(window.stop - window.start),
            fps=1.0,
            encoding=inferencer.encoding,
        )
        batch = [
            inferencer.pipeline(
                dict(
                    sample,
                    query_id=number,
                    query=query,
                    video_arrays={
                        name: np.load(f'{world[name]}/v.npy')[slice(*window)]
                        for name in ('motion', 'video')
                    },
                )
            )
            for number, query in enumerate(QUERIES)
        ]
        for packed in batch:
            packed['data_samples'].set_metainfo(dict(window=window))
        answers.append(inferencer.model.test_step(pseudo_collate(batch)))
    merged = [merge_samples(list(samples)) for samples in zip(*answers)]
    return [keep_valid_moments(sample) for sample in merged]


@pytest.mark.parametrize('name', [MMN, VDI])
@pytest.mark.parametrize('window', [60.0, 16.0])
def test_answers_equal_those_from_stored_features(world, name, window):
    torch.manual_seed(0)
    ask = VTGInferencer(name, 'random', 'cpu', window=window)
    assert ask.query_encoder is None  # the model has its own, which learned
    size = min(int(window), SECONDS)
    windows = plan_windows(SECONDS, size, size // 2 if size < SECONDS else 0)
    assert len(windows) == (1 if window == 60 else 4)
    for _ in range(2):  # the second time from the cache
        found = ask(world['path'], QUERIES, return_datasamples=True)['predictions']
        for one, other in zip(found, stored_answers(ask, world, windows)):
            assert len(one.pred_moments.scores) == len(other.pred_moments.scores) > 0
            for key in ('spans', 'scores'):
                close = dict(rtol=0, atol=1e-4)
                assert torch.allclose(
                    one.pred_moments[key], other.pred_moments[key], **close
                )
            assert torch.allclose(one.pred_saliency, other.pred_saliency, atol=1e-4)


def test_motion_is_that_of_the_store_and_counts(world):
    ask = VTGInferencer(MMN, 'random', 'cpu')
    (part,) = ask.streams(world['path'])
    assert part.arrays['video'].shape == (SECONDS, 1, 1, 128)  # a class token alone
    motion = part.arrays['motion']
    stored = np.load(f'{world["motion"]}/v.npy')
    assert motion.dtype == np.float16 and stored.shape == (SECONDS, 96)
    assert np.allclose(motion, stored, atol=2e-3)
    before = ask(world['path'], QUERIES[0])['predictions'][0]
    encoder = ask.streams.encoders['motion']
    encoder.cache.put(  # another motion in the place of this one
        next(key for key in encoder.cache._items if 'motion' in key),
        (float(SECONDS), [torch.from_numpy(motion[::-1].copy())]),
        motion.nbytes,
    )
    assert ask(world['path'], QUERIES[0])['predictions'][0] != before


def test_motion_of_another_rate_is_stretched_if_the_block_does(world):
    cfg = config(MMN)
    cfg.encoding.streams.motion.fps = 0.5
    with pytest.raises(ValueError, match='motion has 0.5 clips per second, and the'):
        VTGInferencer(cfg, 'random', 'cpu')
    cfg.encoding.streams.motion.resample = True
    ask = VTGInferencer(cfg, 'random', 'cpu')
    (part,) = ask.streams(world['path'])
    rows = part.arrays['motion']
    assert rows.shape == (SECONDS, 96) and rows.dtype == np.float32
    assert ask(world['path'], QUERIES[0])['predictions'][0]['moments']


def test_a_config_must_say_where_motion_comes_from(world):
    cfg = config(MMN)
    cfg.encoding.streams.motion.tower = None
    with pytest.raises(ValueError, match=r'motion.*streams\.motion\.tower'):
        VTGInferencer(cfg, 'random', 'cpu')
