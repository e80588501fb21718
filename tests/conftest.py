"""Small stored features and annotations that many tests use."""

import json
import os
from pathlib import Path
from typing import Callable, List

import numpy as np
import pytest
from skip_report import pytest_terminal_summary  # noqa: F401
from tiny_world import make_world, once

from mmvtg.utils import register_all_modules

os.environ.setdefault('OMP_NUM_THREADS', '1')
register_all_modules()


@pytest.fixture(scope='session')
def world(tmp_path_factory) -> Path:
    """Data folder of the tiny MovingShapes world, with stored features."""
    return once(tmp_path_factory, 'world', make_world)


@pytest.fixture
def make_store(tmp_path) -> Callable[..., Path]:
    """A function that writes annotation lines and the features that they name."""

    def make(lines: List[dict], fps: float = 0.5, layers: int = 4) -> Path:
        rng = np.random.default_rng(0)
        for folder in ('video', 'query'):
            (tmp_path / folder).mkdir(exist_ok=True)
        with open(tmp_path / 'train.jsonl', 'w') as file:
            for line in lines:
                file.write(json.dumps(line) + '\n')
        for line in lines:
            video = tmp_path / 'video' / f'{line["vid"]}.npy'
            clips = int(line['duration'] * fps)
            shape = (clips, layers, 5, 24)
            np.save(video, rng.normal(size=shape).astype(np.float16))
            query = tmp_path / 'query' / f'{line["qid"]}.npy'
            np.save(query, rng.normal(size=(6, layers, 16)).astype(np.float16))
        return tmp_path

    return make


@pytest.fixture
def line() -> Callable[..., dict]:
    """A function that makes one annotation line of QVHighlights' schema."""

    def make(qid: int = 0, **fields) -> dict:
        sample = dict(
            qid=qid,
            query='a red circle slides to the left',
            vid=f'v{qid}',
            duration=40,
            relevant_windows=[[4, 10]],
            relevant_clip_ids=[2, 3, 4],
            saliency_scores=[[1, 2, 3], [4, 4, 4], [0, 1, 0]],
        )
        sample.update(fields)
        return sample

    return make
