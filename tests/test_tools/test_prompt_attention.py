"""The picture of where a prompt looks: drawn from a real tower and a real video."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmvtg.models.towers import CLIPVisionTower, FrameTower
from mmvtg.registry import MODELS

av = pytest.importorskip('av')
TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'prompt_attention.py'
SIZE = dict(width=128, num_layers=6)
HOOKS = [
    dict(type='ActionPrompt', motion_dim=6, text_width=96, **SIZE),
    dict(type='TemporalPrompt', **SIZE),
]
CONFIG = """
default_scope = 'mmvtg'
fps = 1.0
encoding = dict(
    streams=dict(
        motion=dict(auxiliary=True, store={motion!r}),
        video=dict(
            tower=dict(
                type='CLIPVisionTower', model='tiny-clip', pretrained='shipped',
                hooks={hooks!r}, hook_weights={weights!r},
            ),
            frame_size=64,
            motion='motion',
        ),
    ),
)
"""


@pytest.fixture
def project(tmp_path):
    tower = CLIPVisionTower('tiny-clip', 'shipped', hooks=HOOKS)
    weights = str(tmp_path / 'epoch_1.pth')
    state = {f'vision_tower.{k}': v for k, v in tower.state_dict().items()}
    torch.save(dict(state_dict=state), weights)
    config = CONFIG.format(hooks=HOOKS, weights=weights, motion=str(tmp_path))
    (tmp_path / 'config.py').write_text(config)
    np.save(tmp_path / 'film.npy', np.ones((4, 6), np.float16))
    with av.open(str(tmp_path / 'film.mp4'), 'w') as container:
        stream = container.add_stream('libx264', rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 64, 'yuv420p'
        for i in range(16):
            image = np.full((64, 64, 3), 10 * i, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return tmp_path


def run(monkeypatch, project, *arguments):
    command = [project / 'config.py', project / 'film.mp4', '--out', project / 'a.png']
    command = [str(one) for one in ('tool', *command, *arguments)]
    monkeypatch.setattr(sys, 'argv', command)
    runpy.run_path(str(TOOL), run_name='__main__')


def test_the_picture_has_a_column_a_frame(project, monkeypatch):
    run(monkeypatch, project, '--times', '0', '2')
    narrow = np.asarray(Image.open(project / 'a.png').convert('RGB'))
    run(monkeypatch, project, '--times', '0', '1', '3', '--layers', '1', '6')
    wide = np.asarray(Image.open(project / 'a.png').convert('RGB'))
    assert wide.shape[1] > narrow.shape[1] and wide.shape[0] == narrow.shape[0]
    assert len(np.unique(wide.reshape(-1, 3), axis=0)) > 50


@MODELS.register_module()
class MeanColorTower(FrameTower):
    """Mean colors of clips, twice, as vectors (N, 6)."""

    def encode_runs(self, frames, runs):
        return frames.float().mean((2, 3)).repeat(1, 2), [], {}


def test_motion_comes_from_its_tower_without_a_store(project, monkeypatch):
    tower = ['store=None', 'tower.type=MeanColorTower']
    options = [f'encoding.streams.motion.{one}' for one in tower]
    run(monkeypatch, project, '--times', '0', '2', '--cfg-options', *options)
    assert (project / 'a.png').exists()


def test_what_cannot_be_drawn_is_named(project, monkeypatch):
    with pytest.raises(SystemExit, match='has 4 s'):
        run(monkeypatch, project, '--times', '4')
    with pytest.raises(SystemExit, match='layers are 1 to 6'):
        run(monkeypatch, project, '--times', '1', '--layers', '7')
    with pytest.raises(SystemExit, match='got 0 and fps = 1.0'):
        options = 'encoding.streams.video.tower.hooks=[]'
        run(monkeypatch, project, '--times', '1', '--cfg-options', options)
    (project / 'film.npy').unlink()
    with pytest.raises(SystemExit, match='film.npy is missing'):
        run(monkeypatch, project, '--times', '1')
