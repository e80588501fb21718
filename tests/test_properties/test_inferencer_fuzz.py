"""The inferencer against damaged videos, and against growing over many inferences."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from mmvtg.apis import VTGInferencer

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / 'test_apis'))
from bright_model import colours  # noqa: E402 registers the parts of the config
from fuzz_videos import CONFIG  # noqa: E402


@pytest.fixture
def video(tmp_path) -> str:
    path = str(tmp_path / 'v.mp4')
    with av.open(path, 'w') as file:
        stream = file.add_stream('libx264', rate=1)
        stream.width = stream.height = 32
        stream.pix_fmt = 'yuv444p'
        for row in colours({'red': [(5, 9)], 'blue': [(0, 3)]}, 24, 1.0):
            frame = np.ascontiguousarray(np.broadcast_to(row, (32, 32, 3)))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        file.mux(stream.encode())
    return path


def test_damaged_videos_are_answered_or_refused_by_name(video):
    paths = [str(ROOT), str(HERE), str(HERE.parent / 'test_apis')]
    done = subprocess.run(
        [sys.executable, str(HERE / 'fuzz_videos.py'), video, '120'],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(paths)),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found['answered'] + found['refused'] == 120 and found['refused'] > 20


def test_many_inferences_leave_nothing_behind(video, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools/benchmarks'))
    path = ROOT / 'tools/benchmarks/soak.py'
    spec = importlib.util.spec_from_file_location('soak', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(tool, 'QUERIES', ('red', 'blue'))
    inferencer = VTGInferencer(CONFIG, 'random', 'cpu', cache_bytes=0)
    states = tool.soak(inferencer, [video], 80, points=8)
    assert [row['inferences'] for row in states] == [0, *range(10, 81, 10)]
    grown = tool.growth(states)
    assert grown['mib'] < 8 and grown['files'] <= 0 and grown['threads'] <= 0


def test_growth_is_noticed(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools/benchmarks'))
    spec = importlib.util.spec_from_file_location(
        'soak', ROOT / 'tools/benchmarks/soak.py'
    )
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    # not the real memory: what this process freed before would take up the growth
    kept = []
    state = dict(files=3, threads=1)
    monkeypatch.setattr(tool, 'state', lambda: dict(mib=100.0 + len(kept), **state))
    states = tool.soak(lambda video, query: kept.append(video), ['v'], 40)
    grown = tool.growth(states)
    assert grown['mib_per_1000'] == pytest.approx(1000)
    assert grown['mib'] == 30 and grown['files'] == grown['threads'] == 0
