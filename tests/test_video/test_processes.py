"""A process that decodes: what ends it costs one video, and it ends with its parent."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from fake_videos import FakeSource, wait_until
from video_files import EVEN, H264, write_video

from mmvtg.video import BadSampleError
from mmvtg.video.clips import FrameSource, VideoItem
from mmvtg.video.decoding import Clips, DecodedVideo, Failed, Opened, decode_here
from mmvtg.video.processes import DecodingProcess

pytestmark = pytest.mark.usefixtures('nothing_is_left')
FAKE = FakeSource(size=2, fps=1.0)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def process():
    process = DecodingProcess(deadline=30.0)  # a busy machine is no stuck video
    yield process
    process.stop()


def is_running(pid: int) -> bool:
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


def test_a_worker_of_a_data_loader_is_told_to_decode_itself(process, monkeypatch):
    monkeypatch.setitem(multiprocessing.current_process()._config, 'daemon', True)
    with pytest.raises(RuntimeError, match='num_workers=0, isolated=False'):
        next(process.decode(VideoItem('v', 'v.mp4'), FAKE, 3))


def test_garbage_of_the_parent_is_not_collected_in_a_fork(process):
    """FFmpeg would wait there for threads that a fork does not have."""
    frame = av.VideoFrame(64, 64, 'rgb24')
    cycle = [frame, frame.reformat(32, 32, threads=4)]
    cycle.append(cycle)
    del cycle, frame
    with DecodedVideo(VideoItem('v', '8 collect'), FAKE, 4, process.decode) as video:
        assert sum(map(len, video.chunks())) == 8
    gc.collect()


def test_frames_are_those_of_this_process_to_the_bit(tmp_path, process):
    path = write_video(str(tmp_path / 'v.mp4'), EVEN, options=H264)
    item, source = VideoItem('v', path), FrameSource(32, 2.0)
    here = list(decode_here(item, source, 3))
    there = list(process.decode(item, source, 3))
    for one, two in zip(here, there, strict=True):
        assert type(one) is type(two) and one.total == two.total
        if isinstance(one, Clips):
            assert np.array_equal(one.frames, two.frames)


def test_a_process_that_is_killed_in_the_middle_of_a_video(process):
    large = FakeSource(size=300, fps=1.0)  # no pipe holds all of it
    video = DecodedVideo(VideoItem('v', '200 fine'), large, 4, process.decode)
    chunks = video.chunks()
    assert next(chunks)[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(BadSampleError, match=r'video v .*\(SIGKILL\); somebody'):
        list(chunks)
    assert len(list(process.decode(VideoItem('v', '9 fine'), FAKE, 4))) == 4


def test_a_process_that_is_killed_while_it_waits_costs_no_video(process):
    list(process.decode(VideoItem('v', '2 fine'), FAKE, 4))
    pid = process.pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not process._process.is_alive())
    events = list(process.decode(VideoItem('v', '3 fine'), FAKE, 4))
    assert [type(event) for event in events] == [Opened, Clips]


def test_one_process_decodes_many_videos(process):
    pids = set()
    for path in ('2 fine', '8 broken', '8 missing', '40 fine'):
        events = list(process.decode(VideoItem('v', path), FAKE, 3))
        assert isinstance(events[-1], Clips if 'fine' in path else Failed)
        pids.add(process.pid)
    with DecodedVideo(VideoItem('v', '8 abort'), FAKE, 0, process.decode) as video:
        assert len(video) == 8  # opened only
    pids.add(process.pid)
    assert len(pids) == 1


def test_videos_at_the_same_time_have_a_process_each(process, children):
    first = DecodedVideo(VideoItem('a', '40 fine'), FAKE, 4, process.decode)
    chunks = first.chunks()
    next(chunks)
    with DecodedVideo(VideoItem('b', '30 fine'), FAKE, 5, process.decode) as second:
        assert (len(first), len(second)) == (40, 30)
        for one, two in zip(chunks, second.chunks(), strict=False):
            assert len(one) == 4 and len(two) == 5
            assert children() == 2
    assert children() == 1
    first.close()
    assert len(list(process.decode(VideoItem('v', '4 fine'), FAKE, 4))) == 2


@pytest.mark.parametrize('path', ['8 missing', '8 broken', '8 crash'])
def test_errors_that_are_kept_do_not_keep_the_process(process, path):
    errors = []
    for _ in range(3):
        try:
            with DecodedVideo(VideoItem('v', path), FAKE, 4, process.decode) as video:
                list(video.chunks())
        except BadSampleError as error:
            errors.append(error)
        assert not process._free.locked()
    assert len(errors) == 3


def test_a_video_that_is_left_in_the_middle_ends_its_process(process):
    with DecodedVideo(VideoItem('v', '200 fine'), FAKE, 4, process.decode) as video:
        next(video.chunks())
        pid = process.pid
    assert not is_running(pid)
    assert len(list(process.decode(VideoItem('v', '4 fine'), FAKE, 4))) == 2


PARENT = """
import os, resource, signal, sys
from mmvtg.video.clips import VideoItem
from mmvtg.video.processes import DecodingProcess
from fake_videos import FakeSource
signal.signal(signal.SIGTERM, lambda *_: None)  # as frameworks do
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
for path, end in {ends}:
    if os.fork() == 0:
        process = DecodingProcess()
        events = process.decode(VideoItem('v', path), FakeSource(2, 1.0), 4)
        next(events)
        print(process.pid, flush=True)
        exec(end)
        sys.exit(0)
    os.wait()
"""
ENDS = (
    ('9 hang', 'os.kill(os.getpid(), signal.SIGKILL)'),
    ('200 fine', 'os.kill(os.getpid(), signal.SIGKILL)'),
    ('9 hang', 'os.abort()'),
    ('200 fine', 'os._exit(0)'),
    ('9 hang', 'raise RuntimeError'),
    ('9 hang', 'sys.exit(0)'),
    ('200 fine', 'sys.exit(0)'),
    ('9 hang', 'events.close()'),
    ('9 hang', 'process.stop()'),
)


def test_no_process_outlives_its_parent():
    paths = os.pathsep.join([str(ROOT), str(ROOT / 'tests')])
    result = subprocess.run(
        [sys.executable, '-c', PARENT.format(ends=ENDS)],
        capture_output=True,
        env=dict(os.environ, PYTHONPATH=paths),
        text=True,
        timeout=120,
    )
    pids = [int(pid) for pid in result.stdout.split()]
    assert len(set(pids)) == len(ENDS), result.stderr
    wait_until(lambda: not any(map(is_running, pids)), 10)


def _decode_in_a_fork(process: DecodingProcess, queue) -> None:
    events = list(process.decode(VideoItem('v', '5 fine'), FAKE, 4))
    queue.put((events, process.pid))
    process.stop()


def test_a_fork_of_this_process_starts_its_own(process):
    list(process.decode(VideoItem('v', '2 fine'), FAKE, 4))
    mine = process.pid
    context = multiprocessing.get_context('fork')
    queue = context.SimpleQueue()
    fork = context.Process(target=_decode_in_a_fork, args=(process, queue))
    fork.start()
    events, pid = queue.get()
    fork.join(timeout=30)
    assert (fork.exitcode, len(events)) == (0, 3), events
    fork.close()
    queue.close()
    assert pid != mine and is_running(mine) and not is_running(pid)
    assert len(list(process.decode(VideoItem('v', '3 fine'), FAKE, 4))) == 2
