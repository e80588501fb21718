"""A config of the model that cannot err, and videos for it."""

from pathlib import Path
from typing import Callable

import av
import bright_detector  # noqa: F401 registers the parts of the config
import bright_model  # noqa: F401 likewise
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from tiny_world import once

from mmvtg.datasets.moving_shapes import generate
from mmvtg.extraction.jobs import Job, run_here
from mmvtg.extraction.work_list import list_videos, parse_shard
from mmvtg.registry import MODELS


@pytest.fixture
def colour_config() -> dict:
    tower = dict(type='ColourTower')
    return dict(
        fps=1.0,
        window=150.0,
        model=dict(type='BrightRuns'),
        encoding=dict(
            streams=dict(video=dict(tower=tower, frame_size=8)),
            query=dict(tower=dict(type='IdTower')),
        ),
    )


@pytest.fixture
def detector_config() -> dict:
    return dict(
        fps=1.0,
        model=dict(
            type='TemporalActionDetector',
            classifier=dict(type='ColourClasses'),
            head=dict(type='BrightHead'),
        ),
        encoding=dict(
            streams=dict(video=dict(tower=dict(type='ColourTower'), frame_size=8)),
            query=None,
        ),
    )


def make_action_world(data: Path) -> None:
    """A few rendered videos, and the stores that detectors and recognisers read."""
    root = data / 'moving_shapes' / 'tiny'
    counts = dict(train=2, val=1, test=3, novel_composition=0, novel_word=0)
    generate(root, num_workers=0, progress=False, counts=counts, trimmed_clips=False)
    videos = list_videos(str(root / 'videos'))
    stores = dict(tiny_clip_frames=4.0, tiny_clip=1.0)
    tower = dict(type='CLIPVisionTower', model='tiny-clip', pretrained='shipped')
    settings = dict(vision_tower=tower, frame_size=64, num_workers=0)
    jobs = [
        Job(
            'video',
            str(root / 'features' / name),
            [(*v, fps) for v in videos],
            settings,
            fps=fps,
        )
        for name, fps in stores.items()
    ]
    run_here(jobs, parse_shard(None))


@pytest.fixture(scope='session')
def action_stores(tmp_path_factory) -> Path:
    return once(tmp_path_factory, 'action_world', make_action_world)


@pytest.fixture
def action_world(action_stores, monkeypatch) -> Path:
    """The world's folder; configs that are read meanwhile point to it."""
    monkeypatch.setenv('MMVTG_DATA', str(action_stores))
    monkeypatch.setenv('MOVING_SHAPES', 'tiny')
    return action_stores / 'moving_shapes' / 'tiny'


@pytest.fixture
def drawn_weights(tmp_path) -> Callable[..., str]:
    """A function that writes a checkpoint of weights that nobody trained."""

    def write(cfg) -> str:
        torch.manual_seed(0)
        path = str(tmp_path / 'drawn.pth')
        with DefaultScope.overwrite_default_scope('mmvtg'):
            torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), path)
        return path

    return write


@pytest.fixture
def write_video(tmp_path) -> Callable[..., Path]:
    """A function that writes a video of flat frames, one a row of colours."""

    def write(values: np.ndarray, name: str = 'v.mp4', rate: int = 1) -> Path:
        path = tmp_path / name
        with av.open(str(path), 'w') as file:
            stream = file.add_stream('libx264', rate=rate)
            stream.width = stream.height = 32
            stream.pix_fmt = 'yuv444p'
            for row in values:
                frame = np.broadcast_to(row, (32, 32, 3))
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame))
                file.mux(stream.encode(picture))
            file.mux(stream.encode())
        return path

    return write
