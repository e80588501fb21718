"""Another process decodes: the same frames, and its end is no more than a bad video."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fake_videos import FakeSource

from mmvtg.video import apart
from mmvtg.video.apart import ApartVideo
from mmvtg.video.errors import BadSampleError
from mmvtg.video.source import FrameSource, VideoItem
from mmvtg.visualization.video_writer import VideoWriter

FAKE = FakeSource(size=2, fps=1.0)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_process_waits():
    """Each test starts its own, and leaves none behind."""
    while apart._idle:
        apart._idle.pop().stop()
    yield
    while apart._idle:
        apart._idle.pop().stop()


@pytest.fixture(scope='module')
def film(tmp_path_factory) -> str:
    """7.3 s of noise, wider than high."""
    path = str(tmp_path_factory.mktemp('film') / 'noise.mp4')
    rng = np.random.default_rng(0)
    with VideoWriter(path, 10, 48, 66) as writer:
        for _ in range(73):
            writer.write(rng.integers(0, 256, (48, 66, 3), np.uint8))
    return path


def fake(path: str, clips: int = 4, source=FAKE, **kwargs) -> ApartVideo:
    return ApartVideo(VideoItem('v', path), source, clips, **kwargs)


def clips_of(video: ApartVideo) -> list:
    with video:
        return np.concatenate(list(video.chunks()))[:, 0, 0, 0].tolist()


def is_running(pid: int) -> bool:
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


def wait_until(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.02)


@pytest.mark.parametrize('clips', [1, 3, 100])
@pytest.mark.parametrize(
    'source',
    [
        FrameSource(32, 1.0),
        FrameSource(48, 3.0, 'middle'),
        FrameSource(32, 0.5, 'dense'),
        FrameSource(24, 2.0, 'centred', clip_frames=5, clip_rate=8.0),
    ],
    ids=lambda source: source.sampling,
)
def test_frames_are_those_of_this_process_to_the_bit(film, source, clips):
    item = VideoItem('noise', film)
    here = source.open(item)
    with ApartVideo(item, source, clips) as video:
        assert (len(video), video.duration) == (len(here), here.duration)
        frames = list(video.chunks())
    assert [len(chunk) for chunk in frames[:-1]] == [clips] * (len(frames) - 1)
    assert np.array_equal(np.concatenate(frames), here.read(0, len(here)))


def test_one_light_process_serves_many_videos(film, monkeypatch, tmp_path):
    with ApartVideo(VideoItem(None, film), FrameSource(32, 1.0), 2) as video:
        pid = video._decoder.pid
        assert len(list(video.chunks())) == 4
    # relative to where this process is now
    (tmp_path / 'here.mp4').write_bytes(Path(film).read_bytes())
    monkeypatch.chdir(tmp_path)
    for size in (8, 64):  # other frames, other memory
        item = VideoItem(None, 'here.mp4')
        with ApartVideo(item, FrameSource(size, 1.0), 3) as video:
            assert np.concatenate(list(video.chunks())).shape == (7, 3, size, size)
    with pytest.raises(BadSampleError, match='video gone.mp4 does not exist'):
        ApartVideo(VideoItem(None, 'gone.mp4'), FrameSource(8, 1.0), 3)
    assert [decoder.pid for decoder in apart._idle] == [pid]
    libraries = Path(f'/proc/{pid}/maps').read_text()
    assert 'decord' in libraries and 'libtorch' not in libraries


def test_opening_alone_decodes_nothing(film):
    ApartVideo(VideoItem(None, film), FrameSource(8, 1.0), 0).close()
    assert len(fake('8 abort', 0)) == 8  # it would have died
    assert len(apart._idle) == 1


@pytest.mark.parametrize('kind, how', [('crash', 'SIGSEGV'), ('abort', 'SIGABRT')])
def test_a_decoder_that_dies_is_a_bad_video(kind, how):
    with pytest.raises(BadSampleError) as caught:
        clips_of(fake(f'40 {kind}'))
    message = f'video v (40 {kind}) ended the process that decoded it ({how}); it is'
    assert message in str(caught.value)
    assert apart._idle == []
    assert clips_of(fake('9 fine')) == list(range(9))


def test_what_came_before_the_end_is_there():
    seen = []
    with pytest.raises(BadSampleError, match='SIGABRT'), fake('40 abort') as video:
        for chunk in video.chunks():
            seen += chunk[:, 0, 0, 0].tolist()
            time.sleep(0.2)  # it died long before this is asked for
    assert seen == list(range(20))


def test_a_process_that_is_killed_in_the_middle_of_a_video():
    with fake('200 fine') as video:
        chunks = video.chunks()
        assert next(chunks)[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
        os.kill(video._decoder.pid, signal.SIGKILL)
        with pytest.raises(BadSampleError, match=r'video v .*\(SIGKILL\); somebody'):
            list(chunks)
    assert clips_of(fake('9 fine')) == list(range(9))


def test_a_process_that_is_killed_while_it_waits_costs_no_video():
    assert clips_of(fake('2 fine')) == [0, 1]
    (decoder,) = apart._idle
    os.kill(decoder.pid, signal.SIGKILL)
    wait_until(lambda: not is_running(decoder.pid))
    assert clips_of(fake('3 fine')) == [0, 1, 2]


def test_an_error_that_is_no_bad_video_is_shown(capfd):
    with pytest.raises(BadSampleError, match='exit code 1'):
        fake('what fine')
    assert "invalid literal for int() with base 10: 'what'" in capfd.readouterr().err


def test_two_videos_at_once():
    with fake('20 fine') as one, fake('30 fine') as two:
        pairs = zip(one.chunks(), two.chunks())
        assert all((a == b).all() for a, b in pairs)
    assert len(apart._idle) <= 2


def test_a_video_that_is_left_in_the_middle_leaves_nothing():
    with fake('200 fine') as video:
        pid = video._decoder.pid
        next(video.chunks())
    assert not is_running(pid) and apart._idle == []

    def first(path: str) -> int:
        for chunk in fake(path).chunks():
            return int(chunk[0, 0, 0, 0])
        return -1

    assert [first('200 fine') for _ in range(3)] == [0, 0, 0]
    assert clips_of(fake('5 fine')) == [0, 1, 2, 3, 4]


def test_no_more_than_two_chunks_wait(tmp_path):
    log = tmp_path / 'log'
    with fake(f'400 {log}', 10) as video:
        chunks = video.chunks()
        for taken in range(1, 6):
            next(chunks)
            wait_until(lambda want=taken + 2: len(log.read_text().split()) == want)
            time.sleep(0.1)
            assert len(log.read_text().split()) == taken + 2


def test_an_interrupt_ends_waiting():
    with fake('9 slow') as video:
        pid = video._decoder.pid
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            next(video.chunks())
    assert not is_running(pid)
    assert clips_of(fake('3 fine')) == [0, 1, 2]


PARENT = """
import os, signal, sys, time
from mmvtg.video.apart import ApartVideo
from mmvtg.video.source import VideoItem
from fake_videos import FakeSource
video = ApartVideo(VideoItem('v', '{path}'), FakeSource(size=2, fps=1.0), 4)
chunks = video.chunks()
if '{path}'.endswith('fine'):
    next(chunks)
if {forks} and os.fork() == 0:
    time.sleep(30)  # holds the socket
print(video._decoder.pid, flush=True)
{end}
"""


@pytest.mark.parametrize('path', ['200 fine', '9 slow'])
@pytest.mark.parametrize(
    'end, forks',
    [
        ('os.kill(os.getpid(), signal.SIGKILL)', False),
        ('os.kill(os.getpid(), signal.SIGKILL)', True),
        ('raise RuntimeError', False),
        ('sys.exit(0)', False),
        ('os._exit(0)', False),
    ],
)
def test_no_process_outlives_its_parent(path, end, forks):
    code = PARENT.format(path=path, end=end, forks=forks)
    paths = os.pathsep.join([str(ROOT), str(ROOT / 'tests')])
    parent = subprocess.Popen(
        [sys.executable, '-c', code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ, PYTHONPATH=paths),
        text=True,
        start_new_session=True,
    )
    try:
        pid = int(parent.stdout.readline())
        parent.wait(timeout=30)
        wait_until(lambda: not is_running(pid), 10)
    finally:
        if forks:
            os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.close()


def _in_a_fork(queue) -> None:
    queue.put((clips_of(fake('5 fine')), apart._idle[0].pid))


def test_a_fork_and_a_daemon_start_their_own():
    assert clips_of(fake('2 fine')) == [0, 1]
    (mine,) = apart._idle
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    process = context.Process(target=_in_a_fork, args=(queue,), daemon=True)
    process.start()
    clips, pid = queue.get(timeout=60)
    process.join(timeout=60)
    assert process.exitcode == 0 and clips == [0, 1, 2, 3, 4]
    assert pid != mine.pid and is_running(mine.pid)
    wait_until(lambda: not is_running(pid), 10)
    assert clips_of(fake('3 fine')) == [0, 1, 2]


def test_a_process_that_cannot_start_is_no_bad_video(monkeypatch, tmp_path):
    broken = tmp_path / 'child.py'
    broken.write_text('import no_such_module')
    monkeypatch.setattr(apart, '_CHILD', str(broken))
    with pytest.raises(RuntimeError, match=r'cannot be started \(exit code 1\)'):
        fake('3 fine')
