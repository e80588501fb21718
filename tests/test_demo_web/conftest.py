"""The web demo's modules, and a model that cannot err for them."""

import sys
from pathlib import Path
from typing import Callable

import av
import numpy as np
import pytest
from mmengine.config import Config

TESTS = Path(__file__).parents[1]
for folder in (TESTS / 'test_apis', TESTS.parent / 'demo' / 'web'):
    sys.path.append(str(folder))
import bright_model  # noqa: E402, F401 registers the parts of the config


@pytest.fixture
def bright_config(tmp_path) -> str:
    """Config file of a model that answers 'red', 'green' and 'blue'."""
    path = tmp_path / 'bright.py'
    video = dict(tower=dict(type='ColourTower'), frame_size=8)
    query = dict(tower=dict(type='IdTower'))
    encoding = dict(streams=dict(video=video), query=query)
    model = dict(type='BrightRuns')
    config = dict(fps=1.0, window=150.0, model=model, encoding=encoding)
    # for other processes
    config['custom_imports'] = dict(imports=['bright_model'])
    Config(config).dump(str(path))
    return str(path)


@pytest.fixture
def write_video(tmp_path) -> Callable[..., str]:
    """A function that writes a red video, bright in some seconds."""

    def write(start: int, stop: int, seconds: int = 20, name: str = 'v.mp4') -> str:
        path = tmp_path / name
        with av.open(str(path), 'w') as file:
            stream = file.add_stream('libx264', rate=5)
            stream.width, stream.height = 64, 48
            stream.pix_fmt = 'yuv420p'  # browsers play no other
            for frame in range(5 * seconds):
                picture = np.full((48, 64, 3), 20, np.uint8)
                picture[..., 0] = 220 if start <= frame // 5 < stop else 20
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
            file.mux(stream.encode())
        return str(path)

    return write
