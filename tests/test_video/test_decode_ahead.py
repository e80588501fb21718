"""A thread decodes ahead: in order, within bounds, and never for ever."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fake_videos import FakeSource, wait_until
from video_files import EVEN, H264, write_video

from mmvtg.video import BadSampleError
from mmvtg.video.clips import ChosenClips, FrameSource, VideoItem
from mmvtg.video.decoding import (
    MAX_BYTES,
    Clips,
    DecodedVideo,
    Failed,
    Opened,
    check_video,
    chunk_length,
    decode_ahead,
    decode_here,
)

FAKE = FakeSource(size=2, fps=1.0)
ROOT = Path(__file__).parents[2]
DECODERS = {'here': decode_here, 'ahead': decode_ahead}
decoders = pytest.mark.parametrize('decode', DECODERS.values(), ids=DECODERS)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    wait_until(lambda: not decoding_threads())


def decoding_threads() -> list:
    return [t for t in threading.enumerate() if t.name == 'mmvtg-decode']


def fake(path: str, clips: int = 4, **kwargs) -> DecodedVideo:
    return DecodedVideo(VideoItem('v', path), FAKE, clips, **kwargs)


def clips_of(video: DecodedVideo) -> list:
    with video:
        return np.concatenate(list(video.chunks()))[:, 0, 0, 0].tolist()


@decoders
@pytest.mark.parametrize('clips', [1, 4, 100])
def test_clips_come_whole_and_in_order(decode, clips):
    with fake('40 fine', clips, decode=decode) as video:
        assert (len(video), video.duration) == (40, 1.0)
        chunks = list(video.chunks())
    assert [len(chunk) for chunk in chunks[:-1]] == [clips] * (len(chunks) - 1)
    assert np.concatenate(chunks)[:, 0, 0, 0].tolist() == list(range(40))


@pytest.mark.parametrize(
    'source',
    [
        FrameSource(32, 1.0),
        FrameSource(48, 3.0, 'middle'),
        FrameSource(32, 0.5, 'dense'),
        FrameSource(24, 2.0, 'centred', clip_frames=5, clip_rate=8.0),
        ChosenClips(FrameSource(32, 2.0), (0, 3, 4)),
    ],
    ids=lambda source: getattr(source, 'sampling', 'chosen'),
)
def test_frames_are_those_of_the_reader_to_the_bit(tmp_path, source):
    path = write_video(str(tmp_path / 'v.mp4'), EVEN, options=H264)
    item = VideoItem('v', path)
    with source.open(item) as here:
        expected, total = here.read(0, len(here)), len(here)
    with DecodedVideo(item, source, 3) as video:
        assert (len(video), video.duration) == (total, 4.0)
        assert np.array_equal(np.concatenate(list(video.chunks())), expected)


@decoders
def test_events_of_good_and_bad_videos(decode):
    def kinds(path: str, clips: int = 4) -> list:
        return [type(event) for event in decode(VideoItem('v', path), FAKE, clips)]

    assert kinds('8 fine') == [Opened, Clips, Clips]
    assert kinds('8 fine', 0) == [Opened]
    assert kinds('8 missing') == [Failed]
    assert kinds('8 broken') == [Opened, Clips, Failed]


@decoders
def test_bad_videos_are_named_errors(decode):
    with pytest.raises(BadSampleError, match='does not exist'):
        fake('8 missing', decode=decode)
    seen = []
    with (
        pytest.raises(BadSampleError, match='breaks off'),
        fake('40 broken', decode=decode) as video,
    ):
        for chunk in video.chunks():
            seen += chunk[:, 0, 0, 0].tolist()
    assert seen == list(range(20))  # clips before the end are there


@decoders
@pytest.mark.parametrize('path', ['8 bug', '8 open-bug'])
def test_errors_that_are_no_bad_videos_are_raised(decode, path):
    with pytest.raises(KeyError, match='a bug'):
        clips_of(fake(path, decode=decode))


def test_opening_decodes_nothing():
    assert check_video(VideoItem('v', '2 broken'), FAKE) == 1.0
    assert len(fake('8 broken', 0)) == 8


@pytest.mark.parametrize('path, before', [('8 hang', 4), ('8 open-hang', 0)])
def test_a_stuck_video_fails_after_the_deadline(path, before, monkeypatch, request):
    stuck = threading.Event()  # a thread that sleeps for ever could not be ended
    request.addfinalizer(stuck.set)
    monkeypatch.setattr('fake_videos.time.sleep', lambda _: stuck.wait())
    start = time.monotonic()
    events = list(decode_ahead(VideoItem('v', path), FAKE, 4, deadline=1.0))
    assert 0.9 < time.monotonic() - start < 8
    assert isinstance(events[-1], Failed)
    assert 'video v (8 ' in events[-1].reason
    assert 'makes no progress: nothing could be read or decoded for 1 s' in (
        events[-1].reason
    )
    clips = [event for event in events if isinstance(event, Clips)]
    assert sum(len(event.frames) for event in clips) == before
    assert clips_of(fake('5 fine')) == [0, 1, 2, 3, 4]


def test_a_slow_consumer_is_no_stuck_video():
    events = decode_ahead(VideoItem('v', '12 fine'), FAKE, 1, deadline=1.0)
    count = 0
    for event in events:
        assert not isinstance(event, Failed)
        count += isinstance(event, Clips)
        time.sleep(1.5 if count in (2, 9) else 0)
    assert count == 12


def test_no_more_than_three_chunks_wait(tmp_path):
    log = tmp_path / 'log'
    with fake(f'200 {log}', 10) as video:
        for taken, _ in enumerate(video.chunks(), 1):
            # two in the queue, and one that the thread holds
            wanted = min(taken + 3, 20)
            wait_until(lambda n=wanted: len(log.read_text().split()) >= n)
            time.sleep(0.05)
            reads = [line for line in log.read_text().split() if line != 'closed']
            assert len(reads) == wanted
    assert log.read_text().endswith('closed\n')


@pytest.mark.parametrize('shape', [(3, 224, 224), (32, 3, 224, 224), (3, 4320, 7680)])
@pytest.mark.parametrize('chunks', [1, 5, 40])
def test_chunks_fit_into_memory(shape, chunks):
    length = chunk_length(shape, 10**6, chunks)
    clip = int(np.prod(shape))
    assert length * clip * chunks <= MAX_BYTES or length == 1
    assert (length + 1) * clip * chunks > MAX_BYTES
    assert chunk_length(shape, 1, chunks) == 1


def test_closing_early_ends_the_thread(tmp_path):
    log = tmp_path / 'log'
    with fake(f'200 {log}', 1) as video:
        next(video.chunks())
        assert len(decoding_threads()) == 1
    wait_until(lambda: not decoding_threads(), 5)
    assert log.read_text().endswith('closed\n')

    def first(path: str) -> int:
        for chunk in fake(path).chunks():
            return int(chunk[0, 0, 0, 0])
        return -1

    assert [first('200 fine') for _ in range(3)] == [0, 0, 0]


def test_two_videos_at_once():
    with fake('20 fine') as one, fake('30 fine') as two:
        pairs = list(zip(one.chunks(), two.chunks()))
    assert len(pairs) == 5 and all((a == b).all() for a, b in pairs)


def test_an_interrupt_ends_waiting():
    with fake('200 slow', 1) as video:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            list(video.chunks())
    assert clips_of(fake('3 fine')) == [0, 1, 2]


EXIT = """
import sys
from mmvtg.video.clips import FrameSource, VideoItem
from mmvtg.video.decoding import DecodedVideo
video = DecodedVideo(VideoItem('v', sys.argv[1]), FrameSource(224, 25.0), 1)
next(video.chunks())
{end}
"""


@pytest.mark.parametrize('end, code', [('', 0), ('raise SystemExit(3)', 3)])
def test_a_process_ends_while_its_thread_decodes(tmp_path, end, code):
    path = write_video(str(tmp_path / 'v.mp4'), EVEN, options=H264, size=(480, 640))
    result = subprocess.run(
        [sys.executable, '-c', EXIT.format(end=end), path],
        capture_output=True,
        cwd=ROOT,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (code, '')
