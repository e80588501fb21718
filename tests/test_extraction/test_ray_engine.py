"""On a local Ray cluster nothing is lost when a worker is killed."""

import glob
import os
import signal
import threading
import time

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mmvtg.datasets.feature_pack import FeaturePack
from mmvtg.extraction.jobs import Job, run_here
from mmvtg.extraction.ray_engine import run_on_ray
from mmvtg.extraction.work_list import Shard
from mmvtg.models.towers import build_clip

ray = pytest.importorskip('ray')
av = pytest.importorskip('av')


@pytest.fixture
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def settings(tmp_path):
    torch.manual_seed(0)
    weights = str(tmp_path / 'clip.safetensors')
    save_file(build_clip('tiny-clip').state_dict(), weights)
    tower = dict(type='CLIPVisionTower', model='tiny-clip', pretrained=weights)
    return dict(vision_tower=tower, frame_size=64, num_workers=0)


@pytest.fixture
def items(tmp_path):
    made, rng = [], np.random.default_rng(0)
    for name in (f'v{i}' for i in range(10)):
        path = str(tmp_path / f'{name}.mp4')
        with av.open(path, 'w') as container:
            stream = container.add_stream('libx264', rate=5)
            stream.width, stream.height, stream.pix_fmt = 64, 64, 'yuv420p'
            for _ in range(20):
                image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        made.append((name, path, 1.0))
    return made


def kill_first_writer(folder, killed):
    """SIGKILL to the first actor that has stored something."""
    for _ in range(6000):
        for path in glob.glob(f'{folder}/ray-*.index'):
            if os.path.getsize(path):
                killed.append(int(path.removesuffix('.index').rpartition('-')[2]))
                os.kill(killed[0], signal.SIGKILL)
                return
        time.sleep(0.01)


def test_a_killed_worker_loses_nothing(cluster, settings, items, tmp_path):
    job = Job('video', str(tmp_path / 'pack'), items, settings, 'pack', 1.0)
    killed = []
    killer = threading.Thread(target=kill_first_writer, args=(job.store, killed))
    killer.start()
    (report,) = run_on_ray([job], num_actors=2, block=1)
    killer.join()
    assert killed and report.failed == {}
    assert report.written + report.present >= len(items)
    local = Job('video', str(tmp_path / 'local'), items, settings, 'pack', 1.0)
    run_here([local], Shard())
    pack, expected = FeaturePack(job.store), FeaturePack(local.store)
    assert sorted(pack.ids()) == sorted(expected.ids()) and len(pack) == len(items)
    for name in expected.ids():
        assert torch.equal(pack[name], expected[name])
    assert list(pack.damaged()) == []
