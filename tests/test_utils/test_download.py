"""Downloads resume, are checked, and leave nothing wrong behind."""

import hashlib
import os
import socket
import threading

import pytest
from file_server import FileServer

from mmvtg.utils.download import DownloadError, HashError, fetch

DATA = os.urandom(300_000)
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server():
    server = FileServer({'/w.pth': DATA})
    yield server
    server.close()


@pytest.fixture
def target(tmp_path) -> str:
    return str(tmp_path / 'cache' / 'w.pth')


def left(target: str) -> list:
    return sorted(os.listdir(os.path.dirname(target)))


def read(path: str) -> bytes:
    with open(path, 'rb') as file:
        return file.read()


def test_a_file_is_downloaded_once(server, target):
    for _ in range(2):
        assert fetch([f'{server.url}/w.pth'], target, SHA, progress=False) == target
    assert read(target) == DATA and left(target) == ['w.pth']
    assert len(server.seen) == 1
    assert os.stat(target).st_mode & 0o444 == 0o444


def test_a_broken_connection_is_resumed(server, target):
    server.break_after = [100_000, 50_000]
    fetch([f'{server.url}/w.pth'], target, SHA, progress=False)
    assert read(target) == DATA and left(target) == ['w.pth']
    ranges = [wanted for _, wanted in server.seen]
    assert ranges == [None, 'bytes=100000-', 'bytes=150000-']


def test_a_later_call_goes_on_where_one_gave_up(server, target):
    server.break_after = [100_000, 0, 0]
    with pytest.raises(DownloadError, match='100000 of 300000 bytes arrived'):
        fetch([f'{server.url}/w.pth'], target, SHA, progress=False)
    assert left(target) == ['w.pth.part', 'w.pth.part.json']
    fetch([f'{server.url}/w.pth'], target, SHA, progress=False)
    assert server.seen[-1][1] == 'bytes=100000-'
    assert read(target) == DATA and left(target) == ['w.pth']


def test_a_file_that_changed_meanwhile_begins_anew(server, target):
    server.break_after = [100_000]
    with pytest.raises(DownloadError):
        fetch([f'{server.url}/w.pth'], target, SHA, progress=False, attempts=1)
    other = DATA[::-1]
    server.files['/w.pth'], server.etag = other, '"two"'
    fetch([f'{server.url}/w.pth'], target, progress=False)
    assert read(target) == other


def test_a_server_without_ranges_begins_anew(server, target):
    server.break_after, server.ranges = [100_000], False
    fetch([f'{server.url}/w.pth'], target, SHA, progress=False)
    assert read(target) == DATA


def test_a_part_that_is_longer_than_the_file_begins_anew(server, target):
    server.break_after = [100_000]
    with pytest.raises(DownloadError):
        fetch([f'{server.url}/w.pth'], target, SHA, progress=False, attempts=1)
    with open(f'{target}.part', 'ab') as file:
        file.write(bytes(400_000))
    fetch([f'{server.url}/w.pth'], target, SHA, progress=False)
    assert read(target) == DATA


@pytest.mark.parametrize('cut', [[], [100_000]])
def test_a_wrong_hash_is_refused_and_leaves_nothing(server, target, cut):
    server.break_after = cut
    with pytest.raises(HashError, match='SHA-256 .* deleted'):
        fetch([f'{server.url}/w.pth'], target, 'ab' * 32, progress=False)
    assert left(target) == []


def test_a_damaged_file_in_the_cache_is_replaced(server, target):
    os.makedirs(os.path.dirname(target))
    with open(target, 'wb') as file:
        file.write(b'damaged')
    fetch([f'{server.url}/w.pth'], target, SHA[:8], progress=False)
    assert read(target) == DATA


def test_a_refused_file_keeps_the_old_one(server, target):
    os.makedirs(os.path.dirname(target))
    with open(target, 'wb') as file:
        file.write(b'old')
    with pytest.raises(HashError):
        fetch([f'{server.url}/w.pth'], target, 'ab' * 32, progress=False)
    assert read(target) == b'old' and left(target) == ['w.pth']


@pytest.mark.parametrize('status', [403, 404, 500])
def test_a_mirror_takes_over(server, target, status):
    mirror = FileServer({'/copy/w.pth': DATA})
    server.status = status
    try:
        urls = [f'{server.url}/w.pth', f'{mirror.url}/copy/w.pth']
        fetch(urls, target, SHA, progress=False)
    finally:
        mirror.close()
    assert read(target) == DATA
    assert len(server.seen) == (3 if status == 500 else 1)


def test_a_mirror_takes_over_from_a_wrong_file(server, target):
    bad = FileServer({'/w.pth': b'an advertisement'})
    try:
        urls = [f'{bad.url}/w.pth', f'{server.url}/w.pth']
        fetch(urls, target, SHA, progress=False)
    finally:
        bad.close()
    assert read(target) == DATA and left(target) == ['w.pth']


def test_a_part_of_one_source_is_not_continued_from_another(server, target):
    other = FileServer({'/w.pth': DATA[::-1]})
    other.break_after = [100_000, 0, 0]
    try:
        fetch([f'{other.url}/w.pth', f'{server.url}/w.pth'], target, progress=False)
    finally:
        other.close()
    assert read(target) == DATA


def test_no_network_is_said_clearly(target):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{free.getsockname()[1]}/w.pth'
    with pytest.raises(DownloadError, match='no connection .*refused'):
        fetch([url], target, SHA, progress=False)
    assert left(target) == []
    with pytest.raises(DownloadError, match='unknown url type'):
        fetch(['w.pth'], target, progress=False)


def test_processes_that_want_one_file_download_it_once(server, target):
    results = []

    def work() -> None:
        url = f'{server.url}/w.pth'
        results.append(fetch([url], target, SHA, progress=False))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [target] * 4 and len(server.seen) == 1


def test_the_bar_tells_what_was_there_before(server, target, capsys):
    server.break_after = [100_000]
    fetch([f'{server.url}/w.pth'], target, SHA, progress=True)
    assert '293k/293k' in capsys.readouterr().err
