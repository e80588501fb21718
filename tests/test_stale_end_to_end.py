"""STALE from annotation file to metric, with other classes in training and test."""

import json
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / 'configs/stale/stale_tiny-clip_1xb32-20e_moving-shapes.py'


def write_data(root):
    """Six videos: in those of training one thing grows, in the others one spins."""
    rng = np.random.default_rng(0)
    (root / 'features').mkdir()
    database = {}
    for index in range(6):
        subset, label = ('training', 'grow') if index < 4 else ('testing', 'spin')
        database[f'v{index}'] = dict(
            duration=30.0,
            subset=subset,
            annotations=[
                dict(label=label, segment=[4.0, 14.0]),
                dict(label='slide_left', segment=[20.0, 25.0]),
            ],
        )
        rows = rng.normal(size=(30, 96)).astype(np.float16)
        np.save(root / 'features' / f'v{index}.npy', rows)
    (root / 'annotations.json').write_text(json.dumps(dict(database=database)))


def test_trains_with_seen_and_tests_with_unseen_classes(tmp_path):
    write_data(tmp_path)
    cfg = Config.fromfile(str(CONFIG))
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=str(tmp_path),
            ann_file='annotations.json',
            data_prefix=dict(video='features'),
        )
    cfg.train_dataloader.dataset.update(classes=['grow', 'slide_left'], unseen=['spin'])
    cfg.test_dataloader.dataset.classes = ['spin']
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.pictures.update(enable=True, num_pictures=1)
    cfg.work_dir = str(tmp_path / 'work')
    runner = Runner.from_cfg(cfg)
    runner.train()
    metrics = runner.test()
    assert {'mAP', 'mAP@0.5', 'AUC'} <= set(metrics)
    assert all(np.isfinite(value) for value in metrics.values())
    written = list(Path(cfg.work_dir).rglob('detections.json'))
    assert len(written) == 1
    found = json.loads(written[0].read_text())['results']
    assert sorted(found) == ['v4', 'v5'] and any(found.values())
    assert {item['label'] for items in found.values() for item in items} == {0}
    pictures = list((tmp_path / 'work' / 'detections').glob('*.png'))
    assert [picture.name for picture in pictures] == ['v4.png']
    assert runner.model.classifier.class_names == ['spin']
