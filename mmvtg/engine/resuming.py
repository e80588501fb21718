"""Search for the checkpoint from which a training can continue."""

import os
import os.path as osp
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mmengine.hooks import EMAHook

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError),
)


class ResumeError(ValueError):
    """Error if a training cannot continue from a checkpoint."""


def state_of_training(runner: Any, optimizer: bool, schedulers: bool) -> dict[str, str]:
    """Return the entries that a checkpoint needs to continue the training of a runner.

    Args:
        runner (Runner): Runner with built schedulers and hooks.
        optimizer (bool): True if checkpoints contain the state of the optimizer.
        schedulers (bool): True if they contain the states of parameter schedulers.

    Returns:
        dict[str, str]: Key of the checkpoint -> its name in messages.
    """
    needed = dict(
        state_dict='weights', meta='epoch and iteration', message_hub='training log'
    )
    if optimizer:
        needed['optimizer'] = 'state of the optimizer'
    if schedulers and runner.param_schedulers:
        needed['param_schedulers'] = 'state of the learning rate'
    if any(isinstance(hook, EMAHook) for hook in runner.hooks):
        needed['ema_state_dict'] = 'weights before averaging (EMAHook)'
    return needed


def check_resumable(
    path: str, needed: Mapping[str, str], load: Callable[[str, str], Any]
) -> None:
    """Check that a file is a complete checkpoint with the state of a training.

    Args:
        path (str): ``.pth`` file.
        needed (dict[str, str]): See :func:`state_of_training`.
        load (Callable): Safe loader of a file onto a device.

    Raises:
        ResumeError: If ``path`` is missing, damaged, or lacks an entry. The message
            continues a sentence that begins with the path.
    """
    if not osp.isfile(path):
        raise ResumeError('does not exist')
    if path.endswith('.safetensors'):
        raise ResumeError('contains only weights')
    _check_archive(path)
    try:
        checkpoint = load(path, 'cpu')
    except _BROKEN as error:
        raise ResumeError('is damaged, or contains more than plain data') from error
    if not isinstance(checkpoint, dict):
        raise ResumeError('is no checkpoint of a training')
    lacking = [name for key, name in needed.items() if checkpoint.get(key) is None]
    if lacking:
        raise ResumeError(f'lacks: {", ".join(lacking)}')
    meta = checkpoint['meta']
    if not all(isinstance(meta.get(key), int) for key in ('epoch', 'iter')):
        raise ResumeError(f'lacks: {needed["meta"]}')
    if 'ema_state_dict' in checkpoint and 'ema_state_dict' not in needed:
        # Its weights are the averaged ones, which the optimizer has never seen.
        raise ResumeError('was trained with an EMAHook, and the config has none')


def _check_archive(path: str) -> None:
    """Check the checksums of a file; torch does not compare them.

    Raises:
        ResumeError: If the file is empty, truncated or damaged.
    """
    if osp.getsize(path) == 0:
        raise ResumeError('is empty')
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except _BROKEN as error:
        raise ResumeError('is truncated or damaged') from error
    if damaged:
        raise ResumeError(f'is damaged in {damaged}')


def newest_first(folders: Iterable[str], pattern: str, pointed: str) -> list[str]:
    """Return checkpoints in the order in which a resumed training tries them.

    The checkpoint that ``last_checkpoint`` names comes first, then the earlier ones.
    Later ones may be those of a previous run in the same folder. All of them are
    candidates if the named checkpoint does not exist.

    Args:
        folders (Iterable[str]): Folders to search.
        pattern (str): Regular expression of file names; its group is the step.
        pointed (str): Content of ``last_checkpoint``, or an empty string.

    Returns:
        list[str]: Paths of existing files.
    """
    steps = {}
    for folder in folders:
        for name in os.listdir(folder) if osp.isdir(folder) else []:
            if match := re.fullmatch(pattern, name):
                steps[int(match[1])] = osp.join(folder, name)
    order = sorted(steps, reverse=True)
    name = osp.basename(pointed)
    if not osp.isfile(pointed):  # The work dir may have been moved.
        pointed = next((p for p in steps.values() if osp.basename(p) == name), '')
    if not pointed:
        return [steps[step] for step in order]
    match = re.fullmatch(pattern, name)
    return [pointed, *(steps[s] for s in order if match and s < int(match[1]))]


def first_resumable(
    paths: Sequence[str], check: Callable[[str], None], warn: Callable[[str], None]
) -> str | None:
    """Return the first checkpoint that passes a check, or None without checkpoints.

    Args:
        paths (Sequence[str]): Checkpoints in order of preference.
        check (Callable): Raises :class:`ResumeError` for an unusable file.
        warn (Callable): Called with a sentence about each skipped file.

    Raises:
        ResumeError: If all checkpoints are unusable.
    """
    reasons = []
    for path in paths:
        try:
            check(path)
        except ResumeError as error:
            reasons.append(f'{path} {error}')
            continue
        for reason in reasons:
            warn(f'{reason}: skipped, training continues from {path}')
        return path
    if reasons:
        raise ResumeError(
            f'no checkpoint to resume from: {"; ".join(reasons)}. Name another file '
            'with --resume PATH, or delete these files to start from the beginning'
        )
    return None
