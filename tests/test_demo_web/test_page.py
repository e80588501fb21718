"""A click through the page in headless Chromium."""

import re
import shutil

import pytest

gr = pytest.importorskip('gradio', reason="optional: pip install -e '.[web]'")
playwright = pytest.importorskip(
    'playwright.sync_api', reason='optional: pip install playwright'
)
BROWSER = shutil.which('chromium') or shutil.which('google-chrome')
if BROWSER is None:
    pytest.skip('no Chromium is installed', allow_module_level=True)

from answering import find_videos  # noqa: E402
from app import build, parse_args  # noqa: E402
from workers import Workers  # noqa: E402

SCRIPT = '<img src=x onerror=document.title=1>.mp4'


@pytest.fixture
def page(bright_config, write_video, tmp_path, monkeypatch):
    """The running demo in a browser, with one video to choose from."""
    cache = tmp_path / 'cache'
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(cache))
    sources = [(bright_config, 'random'), (bright_config, 'random')]
    workers = Workers(sources, 'cpu', count=1)
    folder = tmp_path / 'videos'
    folder.mkdir()
    shutil.copy(write_video(5, 9), folder / 'here.mp4')
    shutil.copy(write_video(5, 9), folder / SCRIPT)
    (folder / 'secret.txt').write_text('secret')
    videos = find_videos(str(folder))
    demo = build(workers, 60.0, videos)
    _, url, _ = demo.launch(
        server_name='127.0.0.1',
        prevent_thread_lock=True,
        quiet=True,
        max_file_size='1mb',
        allowed_paths=[*videos.values()],
    )
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=BROWSER, args=['--no-sandbox', '--disable-gpu']
        )
        tab = browser.new_page(viewport=dict(width=1300, height=1500))
        tab.set_default_timeout(60_000)
        tab.goto(url)
        yield tab
        browser.close()
    used = [path for path in cache.rglob('*') if path.is_file()]
    demo.close()
    workers.stop()
    left = [path for path in used if path.exists()]
    assert not left, 'uploads and pictures stay after the demo'


def ask(page, query: str) -> None:
    page.get_by_label('What happens?').fill(query)
    page.get_by_role('button', name='Ask').click()


def position(page) -> float:
    return page.evaluate('document.querySelector("video").currentTime')


def test_click_through(page, write_video, tmp_path):
    ask(page, 'red')
    page.get_by_text('choose or upload a video first').wait_for()

    page.locator('input[type=file]').first.set_input_files(write_video(5, 9))
    page.locator('video').first.wait_for()
    ask(page, 'red')
    page.get_by_text('Most salient at 5.0 s.').wait_for()
    picture = page.locator('img[src*="/file="]').first
    picture.wait_for()
    assert [*(tmp_path / 'cache').rglob('v.mp4')], 'where do uploads lie?'
    page.get_by_role('gridcell', name='9.0 s').wait_for()

    page.get_by_role('gridcell', name='9.0 s').click()
    page.wait_for_function('document.querySelector("video").currentTime > 4')
    assert position(page) == pytest.approx(5, abs=0.5)

    box = picture.bounding_box()
    # the middle of the panels: 1.3 and 2.55 of 12 inches are margins
    middle = box['width'] * (1.3 + (12 - 1.3 - 2.55) / 2) / 12
    picture.click(position=dict(x=middle, y=box['height'] / 2))
    page.wait_for_function('document.querySelector("video").currentTime > 9')
    assert position(page) == pytest.approx(10, abs=0.7)

    page.get_by_label('Compare with').click()
    page.get_by_role('option', name='bright, random').click()
    ask(page, 'blue')
    page.get_by_text('This model names no moments.').nth(1).wait_for()
    page.screenshot(path=str(tmp_path / 'page.png'), full_page=True)


def test_a_video_from_the_folder(page):
    page.get_by_label('Choose a video').click()
    page.get_by_role('option', name='here.mp4').click()
    page.locator('video').first.wait_for()
    ask(page, 'red')
    page.get_by_role('gridcell', name='9.0 s').wait_for()


def test_an_upload_that_is_too_large_or_no_video(page, tmp_path):
    (tmp_path / 'large.mp4').write_bytes(bytes(2_000_000))
    page.locator('input[type=file]').first.set_input_files(str(tmp_path / 'large.mp4'))
    page.get_by_text(re.compile('exceeds|too large|maximum', re.I)).first.wait_for()


def test_names_of_files_are_text(page):
    page.get_by_label('Choose a video').click()
    page.get_by_role('option', name=SCRIPT).click()
    page.locator('video').first.wait_for()
    ask(page, 'red')
    page.get_by_role('gridcell', name='9.0 s').wait_for()
    ask(page, '<img src=x onerror=document.title=1>')  # a class that the model lacks
    page.get_by_text('this question cannot be answered').wait_for()
    assert page.title() == 'mmvtg'
    assert not page.locator('img[src="x"]').count()


def test_the_page_is_for_this_machine_alone():
    assert parse_args(['--model', 'a']).host == '127.0.0.1'
    with pytest.raises(SystemExit):
        parse_args(['--model', 'a', 'b', 'c'])
