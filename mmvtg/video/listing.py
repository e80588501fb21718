"""The videos of a folder: files by their suffix, and folders of images."""

import os
import os.path as osp
from collections import deque
from typing import NamedTuple

from .image_folder import IMAGE_SUFFIXES

#: Suffixes of files that FFmpeg reads and that usually hold video.
VIDEO_SUFFIXES = (
    *('.mp4', '.m4v', '.mov', '.qt', '.mj2', '.3gp', '.3g2', '.f4v', '.insv', '.lrv'),
    *('.mkv', '.mk3d', '.webm', '.avi', '.divx', '.flv', '.wmv', '.asf', '.dvr-ms'),
    *('.ts', '.m2ts', '.mts', '.m2t', '.mpg', '.mpeg', '.mpe', '.m1v', '.m2v', '.m2p'),
    *('.vob', '.mod', '.tod', '.ogv', '.ogm', '.rm', '.rmvb', '.mxf', '.dv', '.nut'),
    *('.wtv', '.gif', '.apng', '.mjpeg', '.mjpg', '.h264', '.264', '.avc', '.h265'),
    *('.265', '.hevc', '.h261', '.h263', '.av1', '.obu', '.ivf', '.vc1'),
)
#: Suffixes of files that usually accompany videos.
_COMPANIONS = (
    *('.txt', '.md', '.json', '.jsonl', '.csv', '.tsv', '.xml', '.yml', '.yaml'),
    *('.srt', '.vtt', '.ass', '.ssa', '.sub', '.idx', '.nfo', '.html', '.pdf', '.url'),
    *('.npy', '.npz', '.pt', '.pth', '.h5', '.hdf5', '.pkl', '.py', '.sh', '.log'),
    *('.lock', '.ini', '.db'),
)


class Listing(NamedTuple):
    """Contents of a folder and all folders below.

    Args:
        videos (list[tuple[str, str]]): (id, path) of each video, ordered by id.
        left_out (list[str]): Paths of other files, except text, annotations and
            features; and of folders that cannot be read.
    """

    videos: list[tuple[str, str]]
    left_out: list[str]


def is_video(name: str) -> bool:
    """Return True if a file name ends like that of a video."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def printable(path: str) -> str:
    """Return a path with bytes that are not UTF-8 written as ``\\xNN``."""
    return os.fsencode(path).decode('utf-8', 'backslashreplace')


def list_folder(folder: str) -> Listing:
    """List the videos of a folder and of all folders below.

    A folder that directly holds images, and no video, is a video. Ids are printable
    paths from ``folder`` on, without the suffix of a file. Links are followed, but each
    folder is visited once; hidden files and folders are skipped.

    Raises:
        OSError: If ``folder`` cannot be read.
    """
    os.scandir(folder).close()
    videos, left_out = [], []
    visited, waiting = _ancestors(folder), deque([folder])
    while waiting:
        path = waiting.popleft()
        try:
            entries = _scan(path, visited)
        except OSError:
            left_out.append(path)
            continue
        files = []
        for entry in entries:
            if not _is_folder(entry):
                files.append(entry.path)
            elif entry.is_symlink():
                waiting.append(entry.path)  # last, so that real paths become ids
            else:
                waiting.appendleft(entry.path)
        found, others = _videos_among(files, path)
        videos += [(_name_in(folder, video, video == path), video) for video in found]
        left_out += others
    return Listing(sorted(videos), sorted(left_out))


def _scan(folder: str, visited: set[tuple[int, int]]) -> list[os.DirEntry]:
    """Return what is in a folder that was not visited before, and note the visit."""
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in visited:
        return []
    visited.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith('.')]


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _ancestors(folder: str) -> set[tuple[int, int]]:
    """Return device and inode of the folders that contain a folder."""
    found, path = set(), osp.realpath(folder)
    while path != osp.dirname(path):
        path = osp.dirname(path)
        status = os.stat(path)
        found.add((status.st_dev, status.st_ino))
    return found


def _videos_among(files: list[str], folder: str) -> tuple[list[str], list[str]]:
    """Return the videos in one folder, and other files that may have been meant."""
    videos = [path for path in files if is_video(path)]
    others = [path for path in files if not path.lower().endswith(_COMPANIONS)]
    others = [path for path in others if not is_video(path)]
    if videos:
        return videos, others
    rest = [path for path in others if not path.lower().endswith(IMAGE_SUFFIXES)]
    return [folder] if len(rest) < len(others) else [], rest


def _name_in(folder: str, path: str, is_folder: bool) -> str:
    if path == folder:
        return printable(osp.basename(osp.realpath(folder)))
    name = osp.relpath(path, folder)
    return printable(name if is_folder else osp.splitext(name)[0])
