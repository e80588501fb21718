"""A config of the model that cannot err, and videos for it."""

from pathlib import Path
from typing import Callable

import av
import bright_model  # noqa: F401 registers the parts of the config
import numpy as np
import pytest


@pytest.fixture
def colour_config() -> dict:
    tower = dict(type='ColourTower')
    return dict(
        fps=1.0,
        window=150.0,
        model=dict(type='BrightRuns'),
        feature_extractor=dict(
            frame_size=8, vision_tower=tower, text_tower=dict(type='IdTower')
        ),
    )


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
