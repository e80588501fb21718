"""Every data set config reads the files that it says it reads."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmvtg.datasets.encoding_spec import parse_encoding
from mmvtg.datasets.errors import BadSampleError
from mmvtg.registry import DATASETS
from mmvtg.utils.launch import load_config, share_encoding

ROOT = Path(__file__).parents[2]
#: config -> channels of the joined video features
WIDTHS = {
    'qvhighlights': 768,
    'qvhighlights_actprompt_slowfast': 2818,
    'qvhighlights_clip': 514,
    'qvhighlights_clip_slowfast': 2818,
    'qvhighlights_clip_slowfast_pann': 4866,
    'qvhighlights_video_audio': 4864,
    'tvsum_i3d': 2050,
    'youtube_highlights_clip_slowfast': 2818,
}


def _load(name: str) -> Config:
    """Load a data set; those without features of their own with R2-Tuning's."""
    cfg = load_config(str(ROOT / f'configs/_base_/datasets/{name}.py'))
    if cfg.get('encoding') is None:
        features = ROOT / 'configs/_base_/features/clip_b32_k4.py'
        cfg.encoding = Config.fromfile(str(features)).encoding
        share_encoding(cfg)
    return cfg


def _grounds(name: str) -> bool:
    """Detection, recognition and retrieval have tests of their own."""
    loader = _load(name).get('train_dataloader')
    return loader is not None and loader.dataset.type == 'GroundingDataset'


NAMES = sorted(path.stem for path in ROOT.glob('configs/_base_/datasets/*.py'))
# MovingShapes is read end to end elsewhere
CONFIGS = [n for n in NAMES if 'moving_shapes' not in n and _grounds(n)]


def _lines(dataset: dict) -> list:
    """Two samples of 20 s that fit a data set."""
    lines = []
    for index in range(2):
        item = dict(qid=index, vid=f'v{index}', query='a dog runs', duration=20)
        if 'domain' in dataset:
            item.update(qid=f'v{index}', domain=dataset['domain'])
            rows = [[-1]] * 5 + [[1]] * 5
            item['match' if dataset['fps'] == 'auto' else 'label'] = rows
        else:
            item['relevant_windows'] = [[4, 12]]
        lines.append(item)
    return lines


def _write_features(root: Path, dataset: dict, item: dict) -> None:
    fps = 0.5 if dataset['fps'] == 'auto' else dataset['fps']
    streams = parse_encoding(dataset['encoding']).stream_settings()
    for name, stream in streams.items():
        default = '{query_id}.npy' if name == 'query' else '{video_id}.npy'
        pattern = dataset.get('file_names', {}).get(name, default)
        file = pattern.format(video_id=item['vid'], query_id=item['qid'])
        path = root / dataset['data_prefix'][name] / file
        path.parent.mkdir(exist_ok=True)
        rows = 6 if name == 'query' else int(20 * fps)
        array = np.ones((rows, *[size or 3 for size in stream['row_shape']]), 'f2')
        if path.suffix == '.npz':
            np.savez(path, features=array)
        else:
            np.save(path, array)


@pytest.mark.parametrize('name', CONFIGS)
@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_a_data_set_reads_what_its_config_says(tmp_path, name, split):
    config = dict(_load(name)[f'{split}_dataloader'].dataset, data_root=str(tmp_path))
    lines = _lines(config)
    ann_file = tmp_path / config['ann_file']
    ann_file.write_text('\n'.join(map(json.dumps, lines)))
    for item in lines:
        _write_features(tmp_path, config, item)
    dataset = DATASETS.build(config)
    assert len(dataset) == (1 if config.get('share') else 2)
    video = dataset[0]['inputs']['video']
    assert video.shape[0] == 20 * (0.5 if config['fps'] == 'auto' else config['fps'])
    assert video.shape[-1] == WIDTHS.get(name, video.shape[-1])
    targets = any(step['type'] == 'SaliencyTarget' for step in config['pipeline'])
    if split == 'train' and targets:
        assert len(dataset[0]['data_samples'].positive_clips)


def test_a_store_of_other_frames_is_refused(tmp_path):
    """Published features of R2-Tuning show the middle of each clip."""
    config = dict(_load('qvhighlights').val_dataloader.dataset, data_root=str(tmp_path))
    lines = _lines(config)
    (tmp_path / config['ann_file']).write_text('\n'.join(map(json.dumps, lines)))
    for item in lines:
        _write_features(tmp_path, config, item)
    manifest = tmp_path / config['data_prefix']['video'] / 'manifest.json'
    # versions before `sampling` was in manifests took the start of each clip
    made = dict(kind='video', weights_sha256='a', model='ViT-B-32-quickgelu', fps=0.5)
    manifest.write_text(json.dumps(made))
    with pytest.raises(BadSampleError, match="is 'start' there and 'middle' in the"):
        DATASETS.build(config)
    manifest.write_text(json.dumps(dict(made, sampling='middle', hooks=[])))
    assert len(DATASETS.build(config)) == 2


def test_clip_comes_first_where_the_authors_have_it_first():
    for name, order in (
        ('qvhighlights_clip_slowfast', ['slowfast', 'clip']),
        ('qvhighlights_clip_slowfast_pann', ['slowfast', 'clip', 'pann']),
        ('youtube_highlights_clip_slowfast', ['clip', 'slowfast']),
    ):
        config = dict(_load(name).train_dataloader.dataset, lazy_init=True)
        dataset = DATASETS.build(config)
        assert [s.name for s in dataset.streams if s.name != 'query'] == order
