"""Every grounding method is asked a raw video, with its real config.

On tiny towers the answer equals that from stored features. The true towers are built
with random weights and answer, too.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from mmvtg.apis import (
    ActionDetectionInferencer,
    ActionRecognitionInferencer,
    VideoRetrievalInferencer,
    VTGInferencer,
)
from mmvtg.apis.predictions import keep_valid_moments
from mmvtg.extraction import FeatureExtractor
from mmvtg.registry import DATASETS
from mmvtg.utils.launch import load_config, share_encoding
from mmvtg.visualization.video_writer import VideoWriter

ROOT = Path(__file__).parents[2]
QVHIGHLIGHTS = {
    name: f'{folder}/{name}_{features}_qvhighlights.py'
    for folder, name, features in (
        ('moment_detr', 'moment-detr', 'clip-slowfast_1xb32-200e'),
        ('qd_detr', 'qd-detr', 'clip-slowfast_1xb32-200e'),
        ('tr_detr', 'tr-detr', 'clip-slowfast_1xb32-200e'),
        ('univtg', 'univtg', 'clip-slowfast_1xb32-200e'),
        ('r2_tuning', 'r2-tuning', 'clip-b32-k4_1xb128-30e'),
        ('actprompt', 'qd-detr', 'actprompt-slowfast_1xb32-200e'),
    )
}
QVHIGHLIGHTS['actprompt'] = QVHIGHLIGHTS.pop('qd-detr')
QVHIGHLIGHTS['qd-detr'] = 'qd_detr/qd-detr_clip-slowfast_1xb32-200e_qvhighlights.py'
CHARADES = dict(
    mmn='mmn/mmn_clip-b32_4xb12-18e_charades-sta.py',
    vdi='vdi/vdi-mmn_clip-b32_4xb12-18e_charades-sta.py',
)
GROUNDERS = {**QVHIGHLIGHTS, **CHARADES}
QUERIES = ['a man opens a door', 'it stops']


def read_config(name: str) -> Config:
    return load_config(str(ROOT / 'configs' / name))


def write_film(path: str, seconds: float, size: int = 96) -> str:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 90, (size, size, 3)).astype(np.uint8)
    with VideoWriter(path, 8, size, size) as writer:
        for index in range(round(8 * seconds)):
            frame = noise.copy()
            left = int(size / 3 * (1 + np.sin(index / 9)))
            frame[30:60, left : left + 24, index // 60 % 3] = 240
            writer.write(frame)
    return path


def shrink(cfg: Config) -> None:
    """Put the tiny towers in the place of the true ones."""
    tiny = load_config(str(ROOT / 'configs/_base_/features/tiny_slowfast.py'))
    motion, widths = tiny.encoding.streams.motion.tower, dict(slowfast=96, clip=96)
    for stream in cfg.encoding.streams.values():
        stream.pop('row_shape', None)
        if stream.tower.type == 'SlowFastTower':
            stream.update(tower=motion, frame_size=48)
        else:
            shrink_clip(stream.tower, 128, 6)
            stream.frame_size = 64
    if cfg.encoding.get('query'):
        shrink_clip(cfg.encoding.query.tower, 96, 6)
        cfg.encoding.query.pop('row_shape', None)
    model = cfg.model
    for tower in (model.vision_tower, model.text_tower):
        if 'pretrained' in tower:
            shrink_clip(tower, 96, 6)
    if model.neck.type == 'R2Block':
        model.neck.update(video_dims=128, query_dims=96)
    elif 'video_dims' in model.neck:
        ends = 2 if cfg.encoding.get('temporal_endpoints') else 0
        model.neck.update(video_dims=sum(widths.values()) + ends, query_dims=96)
    else:
        model.neck.update(in_channels=96)
        model.head.query_dims = 96
    share_encoding(cfg)


def shrink_clip(tower: dict, width: int, depth: int) -> None:
    tower.update(model='tiny-clip', pretrained='shipped')
    if tower.get('hook_weights'):
        tower.hook_weights = None
    for hook in tower.get('hooks') or ():
        if 'width' in hook:
            hook.update(width=width, num_layers=depth)
        if 'motion_dim' in hook:
            hook.update(motion_dim=96, text_width=96)


def store(cfg: Config, path: str, data: Path, queries: dict) -> None:
    """Extract what the data set reads, each stream into its folder."""
    dataset = cfg.test_dataloader.dataset
    for name, stream in cfg.encoding.streams.items():
        fields = ('frame_size', 'sampling', 'clip_frames', 'clip_rate')
        motion = stream.get('motion')
        torch.manual_seed(1)  # hooks without weights
        extractor = FeatureExtractor(
            vision_tower=stream.tower.to_dict(),
            fps=cfg.encoding.fps,
            num_workers=0,
            motion=motion and dict(folder=str(data / dataset.data_prefix[motion])),
            **{field: stream[field] for field in fields if field in stream},
        )
        out = str(data / dataset.data_prefix[name])
        report = extractor.extract_videos([('v', path)], out, progress=False)
        assert report.written == 1, report
    if cfg.encoding.get('query'):
        extractor = FeatureExtractor(text_tower=cfg.encoding.query.tower.to_dict())
        out = str(data / dataset.data_prefix.query)
        extractor.extract_queries(queries.items(), out, progress=False)


@pytest.mark.parametrize('method', GROUNDERS)
def test_a_raw_video_is_answered_as_stored_features(method, tmp_path, drawn_weights):
    cfg = read_config(GROUNDERS[method])
    shrink(cfg)
    seconds = 45.25
    path = write_film(str(tmp_path / 'v.mp4'), seconds)
    data = tmp_path / 'data'
    store(cfg, path, data, dict(enumerate(QUERIES)))
    data.joinpath('a.jsonl').write_text(
        ''.join(
            f'{json.dumps(dict(qid=i, query=q, vid="v", duration=seconds))}\n'
            for i, q in enumerate(QUERIES)
        )
    )
    names = dict.fromkeys(cfg.encoding.streams, '{video_id}.npy')
    cfg.test_dataloader.dataset.update(
        data_root=str(data),
        ann_file='a.jsonl',
        file_names=dict(names, query='{query_id}.npy'),
    )
    torch.manual_seed(1)
    ask = VTGInferencer(cfg, drawn_weights(cfg), 'cpu', window=100.0)
    for encoder in ask.streams.encoders.values():  # hooks as they were stored
        if getattr(encoder.encoder.tower, 'hooks', None):
            torch.manual_seed(1)
            config = cfg.encoding.streams[encoder.spec.name].tower
            encoder.encoder.tower = ask._build_tower(config)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    stored = ask.model.test_step(pseudo_collate([dataset[i] for i in range(2)]))
    results = ask(path, QUERIES, return_datasamples=True)
    assert results['failed'] == {}
    for one, other in zip(results['predictions'], stored):
        other = keep_valid_moments(other)
        assert len(one.pred_moments.scores) == len(other.pred_moments.scores) > 0
        close = dict(rtol=0, atol=1e-4)
        for key in ('spans', 'scores'):
            assert torch.allclose(
                one.pred_moments[key], other.pred_moments[key], **close
            )
        assert torch.allclose(one.pred_saliency, other.pred_saliency, **close)
        spans = one.pred_moments.spans
        assert spans.max() <= seconds + 1e-6 and (spans.diff() > 0).all()


def randomize(node: dict) -> None:
    """Let all towers have random weights: nobody has the true ones here."""
    for key, value in node.items():
        if key in ('pretrained', 'hook_weights'):
            node[key] = None
        elif isinstance(value, dict):
            randomize(value)


@pytest.mark.slow
@pytest.mark.parametrize('method', GROUNDERS)
def test_true_towers_answer(method, tmp_path):
    cfg = read_config(GROUNDERS[method])
    randomize(cfg.encoding)
    randomize(cfg.model)
    path = write_film(str(tmp_path / 'v.mp4'), 4.4)
    ask = VTGInferencer(cfg, 'random', 'cpu', fps=0.5)
    (prediction,) = ask(path, 'a man opens a door')['predictions']
    assert prediction['duration'] == pytest.approx(4.375, abs=0.1)
    assert len(prediction['saliency']) == 2
    for start, end, _ in prediction['moments']:
        assert 0 <= start < end <= prediction['duration']


@pytest.mark.slow
@pytest.mark.parametrize(
    'name',
    [
        'stale/stale_clip-b16_1xb32-15e_activitynet.py',
        'stale/stale_clip-b16_1xb32-15e_thumos14.py',
        'efficient_prompt/efficient-prompt-proposals_clip-b16_1xb32-15e_activitynet.py',
    ],
)
def test_true_detectors_answer(name, tmp_path):
    cfg = read_config(name)
    randomize(cfg.encoding)
    randomize(cfg.model)
    path = write_film(str(tmp_path / 'v.mp4'), 3.0)
    ask = ActionDetectionInferencer(cfg, 'random', 'cpu')
    classes = ['Long jump', 'Diving'] if ask.names_classes else None
    (prediction,) = ask(path, classes)['predictions']
    for start, end, _, _ in prediction['instances']:
        assert 0 <= start < end <= prediction['duration']


@pytest.mark.slow
def test_true_two_stages_answer(tmp_path):
    folder = 'efficient_prompt/efficient-prompt-{}_clip-b16_1xb32-15e_thumos14.py'
    first, second = (
        read_config(folder.format(k)) for k in ('proposals', 'localisation')
    )
    for cfg in (first, second):
        randomize(cfg.encoding)
        randomize(cfg.model)
    path = write_film(str(tmp_path / 'v.mp4'), 3.0)
    proposer = ActionDetectionInferencer(first, 'random', 'cpu')
    ask = ActionDetectionInferencer(second, 'random', 'cpu', proposer=proposer)
    (prediction,) = ask(path, ['Long jump', 'Diving'])['predictions']
    assert prediction['classes'] == ['Long jump', 'Diving']


@pytest.mark.slow
def test_true_recognizers_and_retrievers_answer(tmp_path):
    path = write_film(str(tmp_path / 'v.mp4'), 2.0)
    folder = 'efficient_prompt/efficient-prompt{}_clip-b16_1xb64-{}.py'
    cfg = read_config(folder.format('', '20e_ucf101'))
    cfg.test_dataloader.dataset.pipeline[0].update(num_draws=1, num_frames=4)
    randomize(cfg.encoding)
    randomize(cfg.model)
    ask = ActionRecognitionInferencer(cfg, 'random', 'cpu')
    (prediction,) = ask(path, ['Long jump', 'Diving'])['predictions']
    assert sum(score for score, _ in prediction['classes']) == pytest.approx(
        1, abs=1e-5
    )
    cfg = read_config(folder.format('-retrieval', '20e_msrvtt'))
    cfg.test_dataloader.dataset.pipeline[0].update(num_draws=1, num_frames=4)
    randomize(cfg.encoding)
    randomize(cfg.model)
    ask = VideoRetrievalInferencer(cfg, 'random', 'cpu')
    (prediction,) = ask(path, 'a man opens a door')['predictions']
    assert prediction['videos'][0][1] == path


@pytest.mark.parametrize(
    'name, reason',
    [
        ('qd_detr/qd-detr_clip-slowfast-pann_1xb32-200e_qvhighlights.py', 'no PANNs'),
        ('univtg/univtg_i3d_1xb4-2000e_tvsum.py', 'I3D'),
    ],
)
def test_features_that_nothing_here_makes_are_refused(name, reason):
    with pytest.raises(ValueError, match=rf'reads \w+ features.*{reason}'):
        cfg = read_config(name)
        randomize(cfg.encoding)
        VTGInferencer(cfg, 'random', 'cpu', fps=0.5)
