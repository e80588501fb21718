"""Several worker processes: what ends one costs its video only, and nothing stays."""

import os
import re
import signal
import threading
import time

import pytest
from fake_videos import FakeSource

from mmvtg.video.clips import VideoItem
from mmvtg.video.decoding import Clips, Failed
from mmvtg.video.processes import decode_all

pytestmark = pytest.mark.usefixtures('nothing_is_left')
FAKE = FakeSource(size=2, fps=1.0)


def collect(events) -> tuple[dict, dict]:
    """Clips and reasons of failure by video."""
    clips, failed = {}, {}
    for event in events:
        name = event.item.video_id
        assert name not in failed
        if isinstance(event, Failed):
            failed[name] = event.reason
        else:
            assert isinstance(event, Clips)
            clips.setdefault(name, []).extend(event.frames[:, 0, 0, 0].tolist())
            assert event.total == int(event.item.path.split()[0])
    return clips, failed


def videos(kinds=('fine',), count=12) -> list[VideoItem]:
    return [
        VideoItem(f'v{i}', f'{1 + 7 * i % 50} {kinds[i % len(kinds)]}')
        for i in range(count)
    ]


@pytest.mark.parametrize('workers', [0, 1, 3, 20])
def test_all_clips_come_in_order(workers):
    clips, failed = collect(decode_all(videos(), FAKE, workers, 4))
    assert failed == {}
    assert clips == {v.video_id: list(range(int(v.path.split()[0]))) for v in videos()}


@pytest.mark.parametrize('workers', [0, 2])
def test_bad_videos_are_named_and_end_nothing(workers):
    items = videos(('fine', 'missing', 'fine', 'broken'))
    clips, failed = collect(decode_all(items, FAKE, workers, 4))
    assert sorted(failed) == sorted(f'v{i}' for i in range(1, 12, 2))
    assert {failed[f'v{i}'] for i in (3, 7, 11)} == {'breaks off'}
    assert {f'v{i}' for i in range(0, 12, 2)} <= clips.keys()


@pytest.mark.parametrize(
    'kind, reason',
    [
        ('crash', r'ended the process that decoded it \(SIGSEGV\); re-encode it'),
        ('abort', r'ended the process that decoded it \(SIGABRT\)'),
        ('open-abort', r'ended the process that decoded it \(SIGABRT\)'),
        ('bug', r'ended the process that decoded it \(exit code 1\)'),
        ('full', r'ended the process that decoded it \(exit code 1\)'),
        ('hang', 'makes no progress: nothing could be read or decoded for 1 s'),
        ('open-hang', 'makes no progress'),
    ],
)
def test_what_ends_a_process_costs_its_video_only(kind, reason, capfd):
    items = videos(('fine', 'fine', kind, 'fine'))
    deadline = 1.0 if kind.endswith('hang') else 30.0
    clips, failed = collect(decode_all(items, FAKE, 2, 4, deadline))
    bad = [item for item in items if item.path.endswith(kind)]
    assert sorted(failed) == sorted(item.video_id for item in bad)
    for item in bad:
        start = f'video {item.video_id} ({item.path}) '
        assert failed[item.video_id].startswith(start)
        assert re.search(reason, failed[item.video_id])
    for item in items:
        if item.video_id not in failed:
            assert clips[item.video_id] == list(range(int(item.path.split()[0])))
    trace = capfd.readouterr().err
    assert ("KeyError: 'a bug'" in trace) == (kind == 'bug')
    assert ('OSError: no space' in trace) == (kind == 'full')


def test_a_slow_consumer_is_no_stuck_video():
    events = decode_all(videos(count=4), FAKE, 2, 1, deadline=1.5)
    for number, event in enumerate(events):
        assert isinstance(event, Clips)
        time.sleep(2.5 if number in (3, 30) else 0)


@pytest.mark.parametrize('workers', [1, 3])
def test_no_more_than_six_chunks_of_each_worker_wait(tmp_path, workers):
    logs = [tmp_path / str(worker) for worker in range(workers)]
    items = [VideoItem(log.name, f'60 {log}') for log in logs]
    source = FakeSource(size=400, fps=1.0)  # a chunk is larger than a pipe's buffer
    most = 0
    for taken, _ in enumerate(decode_all(items, source, workers, 1), 1):
        if taken % 10 == 0:
            time.sleep(0.2)
            read = sum(log.read_text().count('\n') for log in logs if log.exists())
            most = max(most, read - taken)
    # four in the queue, one in the thread that fills it, one in the process
    assert 4 * workers <= most <= 6 * workers + 1
    for log in logs:
        assert log.read_text().endswith('closed\n')


@pytest.mark.parametrize('path', ['200 fine', '8 hang', '8 open-hang', '8 slow'])
def test_closing_early_is_prompt(path):
    items = [VideoItem('first', '1 fine'), *[VideoItem('v', path)] * 5]
    events = decode_all(items, FAKE, 2, 1)
    assert next(events).item.video_id in ('first', 'v')
    start = time.monotonic()
    events.close()
    assert time.monotonic() - start < 2


def test_an_interrupt_is_prompt_and_leaves_nothing():
    items = [VideoItem('v', '8 hang')] * 3
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(decode_all(items, FAKE, 2, 4))
    assert time.monotonic() - start < 3


def test_an_error_of_the_consumer_leaves_nothing():
    def consume() -> None:
        for event in decode_all(videos(count=40), FAKE, 3, 4):
            raise ZeroDivisionError(event.item.path)

    with pytest.raises(ZeroDivisionError):
        consume()
