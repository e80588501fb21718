"""Shows what lies outside of docs/ as pages of the site, without copies of it.

A hook of mkdocs: the project's README is the first page, that of each folder of configs
is the page of a method, and configs are files beside them. Links are mended.
"""

import posixpath
import re
from pathlib import Path
from typing import Dict

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
LINK = re.compile(r'(\]\()([^)#\s]+)([^)]*\))')


def pages() -> Dict[str, str]:
    """Path in the project -> path in the site."""
    found = {'README.md': 'index.md'}
    for page in sorted(ROOT.glob('configs/*/README.md')):
        found[page.relative_to(ROOT).as_posix()] = f'methods/{page.parent.name}.md'
    return found


def place_in_site(path: str) -> str:
    """Where a path of the project stands in the site."""
    known = pages().get(path)
    return known or path.removeprefix('docs/')


def mend_links(text: str, source: str) -> str:
    """Links of a page, which are relative to it, for its place in the site.

    Args:
        text (str): The page.
        source (str): Its path in the project.
    """
    here = posixpath.dirname(place_in_site(source)) or '.'

    def mend(link: 're.Match') -> str:
        target = link[2]
        if '://' in target or target.startswith('mailto:'):
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        return link[1] + posixpath.relpath(place_in_site(path), here) + link[3]

    return LINK.sub(mend, text)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and what they link to: configs, pictures, the licence."""
    for source, target in pages().items():
        text = mend_links((ROOT / source).read_text(), source)
        files.append(File.generated(config, target, content=text))
    linked = [*ROOT.glob('configs/**/*.py'), *ROOT.glob('configs/*/*.png')]
    for path in [*linked, ROOT / 'LICENSE']:
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **kwargs: object) -> str:
    """Mend links of pages in docs/ to what lies outside of it."""
    source = page.file.src_uri
    if source == 'index.md' or source.startswith('methods/'):
        return markdown
    return mend_links(markdown, f'docs/{source}')
