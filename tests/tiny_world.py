"""The tiny MovingShapes world, and how tests run the tools on it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Callable, List

from filelock import FileLock

from mmvtg.datasets.moving_shapes import generate

ROOT = Path(__file__).parents[1]
CONFIG = 'configs/r2_tuning/r2-tuning_tiny-clip-k4_1xb32-10e_moving-shapes.py'
SHORT = [
    'train_cfg.max_epochs=4',
    'train_cfg.val_interval=1',
    'train_dataloader.batch_size=4',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False',
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
    'test_dataloader.batch_size=2',
]


def environment(data: Path) -> dict:
    return {
        **os.environ,
        'MMVTG_DATA': str(data),
        'MOVING_SHAPES': 'tiny',
        'PYTHONPATH': str(ROOT),
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '',
    }


def run(command: List[str], data: Path, **kwargs) -> str:
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(data),
        capture_output=True,
        text=True,
        **kwargs,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout + result.stderr


def once(tmp_path_factory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first of the test processes makes and all of them use."""
    shared = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        shared = shared.parent
    folder, ready = shared / name, shared / f'{name}.ready'
    with FileLock(str(shared / f'{name}.lock')):
        if not ready.exists():
            make(folder)
            ready.touch()
    return folder


def make_world(data: Path) -> None:
    """Render it and store the features that R²-Tuning reads."""
    folder = data / 'moving_shapes' / 'tiny'
    generate(str(folder), size='tiny', seed=0, num_workers=1, progress=False)
    run([sys.executable, 'tools/extract_features.py', CONFIG], data)
