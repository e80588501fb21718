"""Links of the pages lead somewhere, and commands name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / 'README.md', *ROOT.glob('docs/*.md'), *ROOT.glob('configs/*/README.md')]
)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_exist(page):
    text = page.read_text()
    links = re.findall(r'\]\((?!https?://|#)([^)#]+)', text)
    paths = re.findall(r'(?:python|bash) ((?:tools|demo)/\S+\.(?:py|sh))', text)
    paths += re.findall(r'configs/[a-z0-9_]+/[\w.-]+\.py', text)
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert not missing


def test_the_drawing_of_the_house_has_every_room():
    text = (ROOT / 'docs/design.md').read_text()
    rooms = [path.parent for path in ROOT.glob('mmvtg/*/__init__.py')]
    rooms += [path.parent for path in ROOT.glob('mmvtg/models/*/__init__.py')]
    assert len(rooms) > 15
    assert not [room.name for room in rooms if f'{room.name}/' not in text]
    files = re.findall(r'`(mmvtg/[\w/]+(?:\.py|/))`', text)
    assert not [name for name in files if not (ROOT / name).exists()]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_nothing_is_left_to_fill_in(page):
    left = [
        line
        for line in page.read_text().splitlines()
        if re.fullmatch(r'[A-Z]{4,}', line) or 'TODO' in line
    ]
    assert not left
