"""Downloads that go on where they broke off, and leave nothing wrong behind."""

import hashlib
import http.client
import json
import os
import os.path as osp
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from typing import BinaryIO, Dict, Iterator, Optional, Sequence

from tqdm import tqdm

from .redaction import redact

_CHUNK = 1 << 20
_TIMEOUT = 30.0  # seconds without a byte
_GIVE_UP = (400, 401, 403, 404, 410, 451)  # asking again would not help


class DownloadError(OSError):
    """A file could not be had from anywhere; says from where and why."""


class HashError(DownloadError):
    """What was downloaded is not the file that was wanted; it is deleted."""


def fetch(
    urls: Sequence[str],
    target: str,
    sha256: Optional[str] = None,
    progress: bool = True,
    attempts: int = 3,
) -> str:
    """Download a file, unless it is there.

    What has arrived lies in ``<target>.part``; a broken download, of this call or an
    earlier one, goes on there if the server still has the same file (``If-Range``), and
    begins anew otherwise. The file takes its name when it is whole and checked.

    Args:
        urls (Sequence[str]): Where the file is, in the order to try.
        target (str): Path to write; its folder is made.
        sha256 (str, optional): Hash of the content, or its first digits, hexadecimal.
        progress (bool): Show a bar.
        attempts (int): Tries a URL, each going on where the one before ended.

    Returns:
        str: ``target``.

    Raises:
        HashError: No URL gave a file with this hash; nothing is left behind.
        DownloadError: No URL could be read to the end; what arrived is kept for the
            next call.
    """
    os.makedirs(osp.dirname(osp.abspath(target)), exist_ok=True)
    with _one_process(osp.dirname(osp.abspath(target))):
        if osp.isfile(target) and has_hash(target, sha256):
            return target
        failures: Dict[str, Exception] = {}
        for url in urls:
            try:
                _download(url, f'{target}.part', progress, attempts)
                _check_hash(f'{target}.part', sha256, url)
            except DownloadError as error:
                failures[url] = error
                continue
            _forget(f'{target}.part', keep_data=True)
            os.replace(f'{target}.part', target)
            return target
    kinds = [type(error) for error in failures.values()]
    kind = HashError if kinds and set(kinds) == {HashError} else DownloadError
    reasons = ''.join(f'\n  {redact(url)}: {error}' for url, error in failures.items())
    raise kind(f'{osp.basename(target)} could not be downloaded:{reasons}')


def has_hash(path: str, sha256: Optional[str]) -> bool:
    """Whether a file's SHA-256 begins with these digits; True if none are given."""
    return sha256 is None or file_hash(path).startswith(sha256.lower())


def file_hash(path: str) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check_hash(part: str, sha256: Optional[str], url: str) -> None:
    if sha256 is None or has_hash(part, sha256):
        return
    found = file_hash(part)
    _forget(part)
    raise HashError(
        f'SHA-256 {found[:16]}... instead of {sha256[:16]}...: the file is damaged, or '
        'not the one that was published; it was deleted'
    )


def _download(url: str, part: str, progress: bool, attempts: int) -> None:
    """Bring a partial file to its full length."""
    if _noted(part).get('url') != redact(url):
        _forget(part)  # a piece of another file, or of a mirror's
    reason = ''
    for _ in range(attempts):
        try:
            return _receive(url, part, progress)
        except urllib.error.HTTPError as error:
            error.close()
            reason = f'the server says {error.code} {error.reason}'
            if error.code == 416:
                _forget(part)
            elif error.code in _GIVE_UP:
                break
        except urllib.error.URLError as error:
            reason = f'no connection ({error.reason})'
        except (OSError, http.client.HTTPException) as error:
            reason = f'the connection broke ({error or type(error).__name__})'
        except ValueError as error:
            reason = str(error)
            break
    raise DownloadError(reason)


def _receive(url: str, part: str, progress: bool) -> None:
    """One request: what is missing of the file, or all of it.

    Raises:
        ConnectionError: The answer ended before the file did.
    """
    have = osp.getsize(part) if osp.isfile(part) else 0
    validator = _noted(part).get('validator')
    request = urllib.request.Request(url, headers={'User-Agent': 'mmvtg'})
    if have and validator:
        request.add_header('Range', f'bytes={have}-')
        request.add_header('If-Range', validator)
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        start, total = _extent(answer, have)
        validator = answer.headers.get('ETag') or ''
        if validator[:2] in ('W/', ''):  # a weak tag does not vouch for each byte
            validator = answer.headers.get('Last-Modified')
        with open(f'{part}.json', 'w') as note:
            json.dump(dict(url=redact(url), validator=validator), note)
        with open(part, 'ab' if start else 'wb') as file:
            _copy(answer, file, start, total, progress)
    size = osp.getsize(part)
    if total is not None and size != total:
        raise ConnectionError(f'{size} of {total} bytes arrived')


def _extent(answer: http.client.HTTPResponse, have: int) -> tuple:
    """First byte of an answer and size of the whole file (None if not said)."""
    length = answer.headers.get('Content-Length')
    if answer.status != 206:
        return 0, None if length is None else int(length)
    # bytes 100-199/200
    extent, _, total = answer.headers.get('Content-Range', '').partition('/')
    if not extent.startswith(f'bytes {have}-'):
        raise ValueError(f'the server sent {extent or "no range"} instead of {have}-')
    return have, int(total) if total.isdigit() else None


def _copy(
    answer: http.client.HTTPResponse,
    file: BinaryIO,
    start: int,
    total: Optional[int],
    progress: bool,
) -> None:
    name = osp.basename(file.name).removesuffix('.part')
    bar = tqdm(
        desc=name,
        total=total,
        initial=start,
        unit='B',
        unit_scale=True,
        unit_divisor=1024,
        disable=not progress,
    )
    with bar:
        # read1 hands over what has arrived, so that a break loses nothing
        while chunk := answer.read1(_CHUNK):
            file.write(chunk)
            bar.update(len(chunk))


def _noted(part: str) -> dict:
    try:
        with open(f'{part}.json') as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def _forget(part: str, keep_data: bool = False) -> None:
    """Delete a partial file and what was noted of it."""
    for path in (f'{part}.json',) if keep_data else (part, f'{part}.json'):
        with suppress(FileNotFoundError):
            os.unlink(path)


@contextmanager
def _one_process(folder: str) -> Iterator[None]:
    """Let other processes that download into this folder wait, where there are locks.

    Ranks of one run ask for the same checkpoint at the same time.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
