"""Weights of models by name: found, downloaded, checked, converted."""

import os
import os.path as osp
import shutil
import subprocess
import sys
import urllib.request
from typing import Iterable, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

import mmvtg
from mmvtg.utils.download import DownloadError, HashError, fetch, has_hash
from mmvtg.utils.files import replacing

from .metafiles import ModelEntry, Release, get_model, list_models, root

__all__ = ['cache_folder', 'download', 'get_model', 'list_models']


def download(
    name: str,
    folder: Optional[str] = None,
    mirrors: Sequence[str] = (),
    progress: bool = True,
) -> str:
    """Get the weights of a model, unless they are there, and check their hash.

    Checkpoints of the authors are downloaded as they are and then converted.

    Args:
        name (str): Of the model; ``NAME@RELEASE`` for one of several checkpoints that
            its authors released.
        folder (str, optional): Where to put it; default is the cache, see
            :func:`cache_folder`.
        mirrors (Sequence[str]): Tried in this order after the published URL, and before
            those of the environment variable ``MMVTG_MIRRORS`` (separated by spaces):
            URL or path of a folder that has files of the same name, or ``OLD=NEW``,
            which exchanges the beginning of the URL.
        progress (bool): Show a bar.

    Returns:
        str: Path of a checkpoint that the model's config loads.

    Raises:
        ValueError: No such model or release, or none with weights.
        DownloadError: No source could be read; :class:`HashError` if what they sent
            is not what was published.
    """
    entry = get_model(name)
    home = folder or osp.join(cache_folder(), 'checkpoints', entry.name)
    mirrors = [*mirrors, *os.environ.get('MMVTG_MIRRORS', '').split()]
    if entry.weights and '@' not in name:
        keep = folder is not None
        return _get(entry.weights, entry.sha256, home, mirrors, progress, keep)
    release, url = _one_release(entry, name)
    source = _get(url, release.sha256, home, mirrors, progress, True)
    return _convert(source, release, f'{osp.splitext(source)[0]}.mmvtg.pth')


def cache_folder() -> str:
    """``MMVTG_CACHE``, else ``mmvtg`` in the user's cache folder."""
    user = os.environ.get('XDG_CACHE_HOME') or osp.join('~', '.cache')
    path = os.environ.get('MMVTG_CACHE') or osp.join(user, 'mmvtg')
    return osp.abspath(osp.expanduser(path))


def source_urls(url: str, mirrors: Iterable[str]) -> List[str]:
    """Where a file may be: its own URL, then the mirrors.

    Raises:
        ValueError: A mirror is neither URL, folder nor ``OLD=NEW``.
    """
    urls = [url]
    name = osp.basename(urlsplit(url).path)
    for mirror in mirrors:
        old, equals, new = mirror.partition('=')
        if equals and '://' in old:
            urls += [new + url.removeprefix(old)] if url.startswith(old) else []
        elif '://' in mirror:
            urls.append(f'{mirror.rstrip("/")}/{name}')
        elif osp.isdir(mirror):
            path = osp.abspath(osp.join(mirror, name))
            urls.append('file://' + urllib.request.pathname2url(path))
        else:
            raise ValueError(
                f'mirror {mirror!r} is neither a URL, nor a folder that exists, nor '
                'OLD=NEW with two beginnings of URLs'
            )
    return urls


def _get(
    weights: str,
    sha256: Optional[str],
    folder: str,
    mirrors: Sequence[str],
    progress: bool,
    keep: bool,
) -> str:
    """A local path with this content; files that are here are copied if ``keep``.

    Raises:
        DownloadError: No source could be read.
        HashError: What they sent is not what was published.
    """
    kind = urlsplit(weights).scheme
    if kind not in ('package', 'file'):
        target = osp.join(folder, osp.basename(urlsplit(weights).path))
        try:
            return fetch(source_urls(weights, mirrors), target, sha256, progress)
        except HashError:
            raise
        except DownloadError as error:
            raise DownloadError(
                f'{error}\nWithout network: get the file elsewhere and put it to '
                f'{target}, or set MMVTG_MIRRORS to a folder or URL that has it.'
            ) from error
    if kind == 'package':
        path = osp.join(osp.dirname(mmvtg.__file__), weights.partition(':')[2])
    else:
        path = urllib.request.url2pathname(urlsplit(weights).path)
    if not osp.isfile(path):
        raise DownloadError(f'{weights}: there is no file {path}')
    if not has_hash(path, sha256):
        raise HashError(f'{path} is not the published file: its SHA-256 differs')
    if not keep:
        return path
    target = osp.join(folder, osp.basename(path))
    with replacing(target) as temporary:
        shutil.copyfile(path, temporary)
    return target


def _asked(entry: ModelEntry, name: str) -> List[Release]:
    """The releases that a name means.

    Raises:
        ValueError: It names one that is not there.
    """
    wanted = name.partition('@')[2].lower()
    found = [r for r in entry.releases if wanted in ('', r.name.lower())]
    if wanted and not found:
        names = ', '.join(f'{entry.name}@{r.name}' for r in entry.releases) or 'none'
        raise ValueError(f'{entry.name} has no release {wanted!r}; there are: {names}')
    return found


def _one_release(entry: ModelEntry, name: str) -> Tuple[Release, str]:
    """The release that a name means, and its URL.

    Raises:
        ValueError: None, several, or one that only a browser gets.
    """
    found = _asked(entry, name)
    if not found:
        raise ValueError(
            f'{entry.name} has no published weights: give a checkpoint; '
            f'`python tools/train.py {osp.relpath(entry.config, root())}` makes one'
        )
    if len(found) > 1:
        names = ', '.join(f'{entry.name}@{r.name}' for r in found)
        raise ValueError(f'{entry.name} has several checkpoints; name one: {names}')
    (release,) = found
    if release.weights is None:
        raise ValueError(
            f'{entry.name}@{release.name} can only be had with a browser: download it '
            f'from {release.page} and run `python {release.converter} FILE TARGET.pth`'
        )
    return release, release.weights


def _convert(source: str, release: Release, target: str) -> str:
    """Run a converter, unless its result is newer than the source.

    Raises:
        ValueError: It failed.
    """
    if osp.isfile(target) and osp.getmtime(target) >= osp.getmtime(source):
        return target
    command = [sys.executable, osp.join(root(), release.converter), source, target]
    paths = [osp.dirname(osp.dirname(mmvtg.__file__)), os.environ.get('PYTHONPATH', '')]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, paths)))
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode or not osp.isfile(target):
        raise ValueError(
            f'{release.converter} cannot convert {source}: {done.stderr.strip()}'
        )
    return target
