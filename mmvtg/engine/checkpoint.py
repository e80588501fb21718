"""Checkpoints that survive a kill, and loading that runs no code."""

import copy
import json
import os
import os.path as osp
import pickle
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Optional, Union

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import BaseLoop, Runner
from mmengine.runner.checkpoint import load_url

from mmvtg.registry import HOOKS
from mmvtg.utils.files import write_atomic

from .resuming import (
    ResumeError,
    check_resumable,
    first_resumable,
    newest_first,
    state_of_training,
)

_HASHED_NAME = re.compile(r'-[0-9a-f]{8,}\.\w+$')


@register_backend('atomic')
class AtomicLocalBackend(LocalBackend):
    """mmengine's local storage, with writes that are never half done."""

    def put(self, obj: Union[bytes, memoryview], filepath: Union[str, Path]) -> None:
        write_atomic(filepath, bytes(obj))

    def put_text(
        self, obj: str, filepath: Union[str, Path], encoding: str = 'utf-8'
    ) -> None:
        write_atomic(filepath, obj.encode(encoding))


def load_from_local(filename: str, map_location: Any = None) -> dict:
    """Load a checkpoint file, tensors and plain values only.

    Args:
        filename (str): ``.pth`` or ``.safetensors`` file.
        map_location: As for ``torch.load``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged or holds objects that are not plain data.
    """
    filename = osp.expanduser(filename)
    if not osp.isfile(filename):
        raise FileNotFoundError(
            f'checkpoint {filename} does not exist; check the path, or train first'
        )
    if filename.endswith('.safetensors'):
        return _load_safetensors(filename, map_location)
    try:
        return torch.load(filename, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(
            f'checkpoint {filename} cannot be loaded safely: it is damaged, or holds '
            'Python objects besides weights. If it comes from another project, use '
            f'its converter in tools/model_converters. ({error})'
        ) from error


def _load_safetensors(filename: str, map_location: Any) -> dict:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(filename)
    except SafetensorError as error:
        raise ValueError(
            f'checkpoint {filename} cannot be loaded: it is damaged; copy or download '
            f'it again. ({error})'
        ) from error
    # the format keeps no devices that a dict or function could map from
    if isinstance(map_location, (str, torch.device)):
        weights = {name: value.to(map_location) for name, value in weights.items()}
    return weights


def features_record(path: str) -> dict:
    """Return the manifests of the features that a checkpoint was trained on.

    Args:
        path (str): ``.pth`` file of a training, or ``.safetensors`` file that
            ``tools/publish_model.py`` made of one.

    Returns:
        dict: Stream -> manifest of its store; empty if the checkpoint has no record.
    """
    if path.endswith('.safetensors'):
        from safetensors import safe_open

        with safe_open(osp.expanduser(path), 'pt') as file:
            record = json.loads((file.metadata() or {}).get('training') or '{}')
        return record.get('features') or {}
    meta = load_from_local(path, 'cpu').get('meta') or {}
    return (meta.get('dataset_meta') or {}).get('features') or {}


def load_from_http(
    filename: str,
    map_location: Any = None,
    model_dir: Optional[str] = None,
    progress: bool = True,
) -> dict:
    """Download a checkpoint and load it safely.

    A hash in the file name (``name-0123abcd.pth``) is checked against the content.
    """
    return load_url(
        filename,
        model_dir=model_dir,
        map_location=map_location,
        progress=progress,
        check_hash=bool(_HASHED_NAME.search(filename)),
        weights_only=True,
    )


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's checkpoint hook, safe against a kill at any moment.

    Files are written atomically, and half-written files of a kill are deleted when
    training begins. mmengine removes the oldest checkpoint before it writes the next
    one, so at least two are kept; the previous best checkpoint is deleted after the new
    one is written. A resumed run continues from the newest complete checkpoint.
    """

    file_backend: LocalBackend

    def __init__(self, *args: Any, max_keep_ckpts: int = -1, **kwargs: Any) -> None:
        if max_keep_ckpts == 1:
            max_keep_ckpts = 2
        kwargs.setdefault('backend_args', {'backend': 'atomic'})
        super().__init__(*args, max_keep_ckpts=max_keep_ckpts, **kwargs)

    def before_run(self, runner: Runner) -> None:
        """Choose the checkpoint of a resumed training.

        Raises:
            ResumeError: If no checkpoint is complete, or the given one is not.
        """
        if not (runner._resume and isinstance(runner._train_loop, BaseLoop)):
            return
        if is_main_process():
            needed = state_of_training(
                runner, self.save_optimizer, self.save_param_scheduler
            )
            check = partial(check_resumable, needed=needed, load=load_from_local)
            if runner._load_from is None:
                self._mend_last_checkpoint(runner, check)
            elif '://' not in runner._load_from:
                _check_given(osp.expanduser(runner._load_from), check)
        barrier()  # other processes are about to read it, too

    def before_train(self, runner: Runner) -> None:
        super().before_train(runner)
        # Not in before_run: a test run in the folder of a running training would delete
        # the file that is being written.
        if is_main_process():
            self._delete_leftovers(self.out_dir)

    def _delete_leftovers(self, folder: str) -> None:
        """Delete the temporary files of checkpoints that were never finished."""
        pattern = re.compile(rf'\.(best_.+_)?{self._name_pattern()}\..+')
        for name in os.listdir(folder) if osp.isdir(folder) else []:
            path = osp.join(folder, name)
            if pattern.fullmatch(name) and osp.isfile(path):
                os.unlink(path)

    def _name_pattern(self) -> str:
        """Regular expression of checkpoint names; the last group is the step."""
        template = self.filename_tmpl or 'epoch_{}.pth'
        return re.escape(template).replace(r'\{\}', r'(\d+)')

    def _mend_last_checkpoint(
        self, runner: Runner, check: Callable[[str], None]
    ) -> None:
        """Let ``last_checkpoint`` name the newest complete file, or be absent."""
        work_dir = runner.work_dir
        pointer = osp.join(work_dir, 'last_checkpoint')
        pointed = ''
        if osp.isfile(pointer):
            with open(pointer, encoding='utf-8', errors='replace') as file:
                pointed = file.read().strip()
        folders = [work_dir]
        if self.out_dir is not None:
            folders.append(osp.join(self.out_dir, osp.basename(osp.abspath(work_dir))))
        paths = newest_first(folders, self._name_pattern(), pointed)
        path = first_resumable(paths, check, runner.logger.warning)
        if path is not None:
            write_atomic(pointer, path.encode())
        elif osp.isfile(pointer):
            os.unlink(pointer)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        """Save a new best checkpoint, and delete the previous one afterwards."""
        if not self.save_best:
            return
        removed: list[str] = []
        backend = self.file_backend
        self.file_backend = copy.copy(backend)
        self.file_backend.remove = removed.append
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend = backend
        current = vars(self).get('best_ckpt_path_dict', {}).values()
        for path in removed:
            if path not in (vars(self).get('best_ckpt_path'), *current):
                backend.remove(path)


def _check_given(path: str, check: Callable[[str], None]) -> None:
    """Check the checkpoint that the user named.

    Raises:
        ResumeError: If training cannot continue from it.
    """
    try:
        check(path)
    except ResumeError as error:
        raise ResumeError(
            f'cannot resume from {path}: it {error}. --resume without a path continues '
            'from the newest complete checkpoint of the work dir; --cfg-options '
            f'load_from={path} starts a new training with the weights of a file'
        ) from error
