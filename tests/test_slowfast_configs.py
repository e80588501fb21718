"""The tiny SlowFast: its configs learn, its weights go round, its motion is known."""

import hashlib
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvtg.datasets.moving_shapes import render_frames, sample_scene
from mmvtg.models.towers.slowfast_tower import TINY_SLOWFAST
from mmvtg.registry import DATASETS, MODELS

pytest.importorskip('mmaction')
ROOT = Path(__file__).parents[1]
CONFIGS = sorted(ROOT.glob('configs/slowfast/*.py'))
FEATURES = Config.fromfile(str(ROOT / 'configs/_base_/features/tiny_slowfast.py'))


@pytest.fixture
def world(tmp_path):
    """Frames of two stretches of each action."""
    folder = tmp_path / 'features' / 'frames_8fps_48px'
    folder.mkdir(parents=True)
    actions = Config.fromfile(str(CONFIGS[0])).actions
    rng, lines = np.random.default_rng(0), []
    for number, action in enumerate(actions):
        frames = rng.integers(0, 256, (40, 3, 48, 48), dtype=np.uint8)
        np.save(folder / f'v{number}.npy', frames)
        lines += [f'v{number} 0 2 {action}', f'v{number} 2 5 {action}']
    (tmp_path / 'recognition').mkdir()
    (tmp_path / 'recognition' / 'train.txt').write_text('\n'.join(lines))
    return str(tmp_path)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_reads_and_trains_a_step(path, world):
    cfg = Config.fromfile(str(path))
    dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, data_root=world))
    assert len(dataset) == 20
    items = [dataset[index, 0] for index in range(0, 20, 5)]
    assert items[0]['inputs'].shape == (1, 3, 16, 48, 48)
    model = MODELS.build(cfg.model)
    model.init_weights()
    batch = {key: [item[key] for item in items] for key in items[0]}
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    losses['loss_cls'].backward()
    used = {n for n, p in model.named_parameters() if p.grad is not None}
    assert used == dict(model.named_parameters()).keys()
    # it has the classes of the data set, and each mirror swaps real pairs of them
    assert len(cfg.actions) == model.cls_head.num_classes == 10
    mirrors = [s for s in cfg.train_dataloader.dataset.pipeline if 'horizontal' in s]
    swapped = {
        frozenset(cfg.actions[label] for label in pair)
        for step in mirrors
        for kind in ('horizontal', 'vertical', 'time')
        for pair in step[kind]
    }
    assert swapped in (
        set(),
        {
            frozenset(('slide_left', 'slide_right')),
            frozenset(('rise', 'sink')),
            frozenset(('grow', 'shrink')),
        },
    )


def test_export_is_what_the_tower_reads(tmp_path, monkeypatch, capsys):
    cfg = Config.fromfile(str(CONFIGS[0]))
    model = MODELS.build(cfg.model)
    model.init_weights()
    checkpoint, out = tmp_path / 'epoch_1.pth', tmp_path / 'out.safetensors'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    tool = ROOT / 'tools/model_converters/export_slowfast.py'
    monkeypatch.setattr(sys, 'argv', ['export', str(checkpoint), str(out)])
    runpy.run_path(str(tool), run_name='__main__')
    assert hashlib.sha256(out.read_bytes()).hexdigest() in capsys.readouterr().out
    settings = dict(FEATURES.encoding.streams.motion.tower, pretrained=str(out))
    tower = MODELS.build(settings)
    clips = torch.randint(0, 256, (2, 16, 3, 48, 48), dtype=torch.uint8)
    data = model.data_preprocessor(
        dict(inputs=list(clips.transpose(1, 2)[:, None]), data_samples=None)
    )
    model.eval()
    with torch.no_grad():
        slow, fast = model.backbone(data['inputs'][:, 0])
    wanted = torch.cat([x.mean((2, 3, 4)) for x in (slow, fast)], 1)
    assert torch.allclose(tower.encode(clips), wanted, atol=2e-2)
    monkeypatch.setattr(sys, 'argv', ['export', str(out), str(out)])
    with pytest.raises(SystemExit, match='no weights of a `backbone`'):
        runpy.run_path(str(tool), run_name='__main__')


def test_shipped_weights_are_small_and_as_the_readme_says():
    data = Path(TINY_SLOWFAST).read_bytes()
    assert len(data) < 2e6
    readme = (ROOT / 'configs/slowfast/README.md').read_text()
    assert hashlib.sha256(data).hexdigest() in readme


def slides(count):
    """(count, 16, 3, 48, 48) in the middle of slides of new scenes, to the right."""
    clips, seed = [], 0
    while len(clips) < count:
        rng = np.random.default_rng([31, seed])
        seed += 1
        world = sample_scene(rng)
        for action in (a for actor in world.actors for a in actor.actions):
            if action.kind in ('slide_left', 'slide_right'):
                middle = (action.start + action.end) / 2
                frames = render_frames(world, middle + (np.arange(16) - 7.5) / 8)
                small = [cv2.resize(f, (48, 48), interpolation=3) for f in frames]
                forward = small if action.kind == 'slide_right' else small[::-1]
                clips.append(np.stack(forward).transpose(0, 3, 1, 2))
                break
    return torch.from_numpy(np.stack(clips))


def test_shipped_weights_know_left_from_right():
    tower = MODELS.build(FEATURES.encoding.streams.motion.tower)
    right = slides(16)
    # the same frames backwards slide to the left: only their order tells
    difference = tower.encode(right) - tower.encode(right.flip(1))
    others = difference.sum(0) - difference
    assert ((difference * others).sum(1) > 0).float().mean() >= 0.75
