"""Requests that do not come from the page; no browser is needed."""

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip('gradio', reason="optional: pip install -e '.[web]'")

import app
from answering import Trouble
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from workers import Workers


@pytest.fixture
def folder(write_video, tmp_path) -> Path:
    folder = tmp_path / 'videos'
    folder.mkdir()
    Path(write_video(5, 9)).rename(folder / 'here.mp4')
    (folder / 'secret.txt').write_text('secret')
    (folder / 'sub').mkdir()
    (folder / 'sub' / 'other.mp4').write_bytes(b'secret')
    return folder


@pytest.fixture
def url(folder, bright_config, tmp_path, monkeypatch):
    """Address of the running demo, as its command line starts it."""
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'cache'))
    running = []
    monkeypatch.setattr(Workers, 'load', lambda self, name: None)

    def keep(page, *args, **kwargs):
        running.append(page)

    monkeypatch.setattr(app.gr.Blocks, 'block_thread', keep)
    arguments = ['--model', bright_config, 'random', '--videos', str(folder)]
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    assert app.main([*arguments, '--port', str(port)]) == 0
    yield running[0].local_url
    running[0].close()


def get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


def test_found_videos_are_served_and_nothing_else(url, folder):
    prefix = f'{url}gradio_api/file='
    assert get(f'{prefix}{folder}/here.mp4') == (folder / 'here.mp4').read_bytes()
    root = Path(__file__).parents[2]
    for path in (
        f'{folder}/secret.txt',
        f'{folder}/sub/other.mp4',
        f'{folder}/here.mp4/../secret.txt',
        f'{folder}/here.mp4/%2e%2e/secret.txt',
        f'{folder}',
        '/etc/passwd',
        f'{root}/setup.py',
        'setup.py',
    ):
        with pytest.raises(urllib.error.HTTPError) as info:
            get(prefix + path)
        assert info.value.code in (403, 404), path


@pytest.fixture
def call(url):
    """A function that sends a video, a query and names of models to the server."""
    client = Client(url, verbose=False)

    def send(video, query='red', model='bright'):
        data = [video, query, model, 'no other model']
        job = client.submit(*data, api_name='/answer')
        job.result()
        return str(job.outputs())

    return send


def test_an_upload_is_answered_and_a_long_query_refused(call, folder):
    video = handle_file(str(folder / 'here.mp4'))
    assert 'Most salient at 5.0 s.' in call(video)
    with pytest.raises(AppError, match='the query is too long: 500 characters'):
        call(video, 'red ' * 25_000)
    with pytest.raises(AppError, match='not in the list of choices'):
        call(video, model='<script>')


def post(url: str, data: list) -> str:
    """Call the server as its own client would not; returns what the server sends."""
    body = json.dumps(dict(data=data)).encode()
    kind = {'Content-Type': 'application/json'}
    address = f'{url}gradio_api/call/answer'
    event = json.loads(get(urllib.request.Request(address, body, kind)))['event_id']
    return get(f'{address}/{event}').decode()


@pytest.mark.parametrize(
    'path',
    [
        '/etc/passwd',
        'setup.py',
        '../../etc/passwd',
        '{folder}/secret.txt',
        'http://x/y',
    ],
)
def test_a_visitor_cannot_name_a_file_of_the_machine(url, folder, path):
    video = dict(path=path.format(folder=folder), meta=dict(_type='gradio.FileData'))
    answer = post(url, [video, 'red', 'bright', 'no other model'])
    assert 'event: error' in answer and 'event: complete' not in answer
    assert 'root:' not in answer


def test_messages_are_escaped(call, folder, monkeypatch):
    def refuse(path, seconds):
        raise Trouble('the codec <script>alert(1)</script> is unknown')

    monkeypatch.setattr(app, 'check_video', refuse)
    with pytest.raises(AppError, match='codec &lt;script&gt;alert'):
        call(handle_file(str(folder / 'here.mp4')))
