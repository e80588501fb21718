"""Mends for known faults of the packages below us, each made only where it is needed.

``import mmvtg`` applies them. None switches a safety off, and each says in its
docstring what breaks without it. :mod:`mmvtg.selfcheck` says which are in force.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import logging
import os
import sys
import types
import urllib.parse
import warnings
from typing import Any, Callable, Dict, Iterable, List, Optional

import numpy as np
import torch

_DRN = 'mmaction.models.localizers.drn'
_keep_alive: List[object] = []


def mend_torchvision() -> bool:
    """Let torchvision be imported beside a torch without CUDA.

    The packaged torchvision is a CUDA build. Beside a CPU torch its compiled operators
    do not load, and its import ends in ``operator torchvision::nms does not exist``;
    open_clip, timm and mmengine's Runner all import it. Declaring the two missing
    schemas lets the import pass; everything but the compiled operators works.

    torchvision itself is not imported here, as that takes longer than importing torch
    and many commands do without.

    Returns:
        bool: Whether the mend was needed.
    """
    spec = importlib.util.find_spec('torchvision')
    if spec is None or not spec.submodule_search_locations:
        return False  # not installed: whoever needs it says so
    if 'torchvision' in sys.modules or _operators_load(spec.submodule_search_locations):
        return False
    library = torch.library.Library('torchvision', 'FRAGMENT')
    library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    library.define('qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    _keep_alive.append(library)  # the schemas live as long as this object
    return True


def _operators_load(folders: Iterable[str]) -> bool:
    """Whether the compiled operators in torchvision's folder fit this torch."""
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    for path in (
        os.path.join(f, f'_C{suffix}') for f in folders for suffix in suffixes
    ):
        if os.path.isfile(path):
            try:
                torch.ops.load_library(path)
                return True
            except OSError:
                return False
    return False


class _DRNFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Provides ``mmaction.models.localizers.drn.drn`` whose DRN raises."""

    def find_spec(self, name, path=None, target=None):
        if name not in (_DRN, f'{_DRN}.drn'):
            return None
        is_package = name == _DRN
        return importlib.machinery.ModuleSpec(name, self, is_package=is_package)

    def create_module(self, spec) -> types.ModuleType:
        return types.ModuleType(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        if module.__name__ == _DRN:
            return

        class DRN:
            """Stands in for the model that the mmaction2 1.2.0 wheel lacks."""

            def __init__(self, *args, **kwargs) -> None:
                raise ImportError(
                    'DRN is not part of the mmaction2 1.2.0 wheel. Install mmaction2 '
                    'from its sources if you need it.'
                )

        DRN.__module__ = module.__name__
        module.DRN = DRN


def mend_mmaction_drn() -> bool:
    """Let ``mmaction.models`` be imported although its wheel lacks a folder.

    mmaction2 1.2.0 was packaged without ``localizers/drn`` but imports it, so every
    model, and ``register_all_modules``, fails.

    Returns:
        bool: Whether the mend was needed.
    """
    spec = importlib.util.find_spec('mmaction')
    if spec is None or not spec.submodule_search_locations:
        return False
    root = spec.submodule_search_locations[0]
    if os.path.exists(os.path.join(root, 'models', 'localizers', 'drn', 'drn.py')):
        return False
    if not any(isinstance(finder, _DRNFinder) for finder in sys.meta_path):
        sys.meta_path.append(_DRNFinder())
    return True


def _getattr_of_history(owner: object, name: str) -> Callable:
    """The only attribute look-up that a checkpoint may ask for."""
    from mmengine.logging import HistoryBuffer

    if owner is HistoryBuffer and name in ('min', 'max', 'mean', 'current'):
        return getattr(HistoryBuffer, name)
    raise RuntimeError(f'a checkpoint asked for the attribute {name!r} of {owner!r}')


def mend_checkpoints() -> bool:
    """Let mmengine read its own checkpoints with ``weights_only=True``.

    A training checkpoint holds mmengine's ``HistoryBuffer`` (curves of the log) and
    numpy arrays. torch >= 2.6 refuses both unless they are named as safe, so
    ``resume=True`` fails. The buffers name four of their methods by ``getattr``; ours
    answers for these four and nothing else, so nothing that a file says can run code.

    Returns:
        bool: Whether this torch knows safe globals and the mend was made.
    """
    add = getattr(torch.serialization, 'add_safe_globals', None)
    if add is None:
        return False
    from mmengine.logging import HistoryBuffer

    multiarray = np.core.multiarray if np.__version__ < '2' else np._core.multiarray
    dtypes = [type(np.dtype(code)) for code in '?bBhHiIlLqQefd']
    add(
        [HistoryBuffer, np.ndarray, np.dtype, *dict.fromkeys(dtypes)]
        + [multiarray._reconstruct, multiarray.scalar]
    )
    names = [(multiarray._reconstruct, 'numpy.core.multiarray._reconstruct')]
    names += [(multiarray.scalar, 'numpy.core.multiarray.scalar')]
    try:
        add([(_getattr_of_history, 'builtins.getattr'), *names])
    except (AttributeError, TypeError):  # torch 2.4, 2.5 know no named globals
        return False
    return True


def _download(
    url: str,
    model_dir: Optional[str] = None,
    map_location: object = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: Optional[str] = None,
    weights_only: bool = False,
) -> dict:
    """What newer torch calls ``load_state_dict_from_url``."""
    folder = model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints')
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urllib.parse.urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        found = torch.hub.HASH_REGEX.search(name) if check_hash else None
        prefix = found[1] if found else None
        torch.hub.download_url_to_file(url, path, prefix, progress=progress)
    return torch.load(path, map_location=map_location, weights_only=weights_only)


def mend_load_url() -> bool:
    """Let a download be loaded with ``weights_only=True`` under an old torch.

    The first releases that mmvtg supports have ``torch.load(weights_only=...)`` but
    no such argument of ``load_url``, so every download ends in a ``TypeError``.

    Returns:
        bool: Whether the mend was needed.
    """
    from mmengine.runner import checkpoint

    if 'weights_only' in inspect.signature(checkpoint.load_url).parameters:
        return False
    checkpoint.load_url = _download
    return True


def mend_loader() -> bool:
    """Make mmengine load files and http(s) downloads with ``weights_only=True``.

    mmengine leaves the choice to torch, which before 2.6 ran the code in a pickle, and
    its downloads neither check the hash in a file name nor load safely. Its other
    sources (``torchvision://``, ``open-mmlab://``, ``s3://`` and so on) are mmengine's
    still: under torch < 2.6 take them from places that you trust only.

    Returns:
        bool: Always True.
    """
    from mmengine.runner.checkpoint import CheckpointLoader

    from .engine.loading import load_from_http, load_from_local

    CheckpointLoader.register_scheme('', loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(
        ('http://', 'https://'), loader=load_from_http, force=True
    )
    return True


def mend_config_text() -> bool:
    """Parse the config in a checkpoint instead of running it.

    mmengine writes the text of ``Config.fromstring`` to a file and runs it, both where
    a training resumes and where an inferencer takes its config from the weights.

    Returns:
        bool: Always True.
    """
    from mmengine.config import Config

    run = Config.fromstring

    def fromstring(cfg_str: str, file_format: str) -> Config:
        from .utils.config_text import parse_config

        return (
            parse_config(cfg_str) if file_format == '.py' else run(cfg_str, file_format)
        )

    Config.fromstring = staticmethod(fromstring)
    return True


def mend_logs() -> bool:
    """Keep secrets and the home folder out of mmengine's logs.

    mmengine logs the whole config, which may have keys of services, and paths.

    Returns:
        bool: Always True.
    """
    from mmengine.logging.logger import MMFormatter

    from .utils.redaction import redact

    write = MMFormatter.format
    MMFormatter.format = lambda self, record: redact(write(self, record))
    return True


def _without_deprecations(message: str, *args: Any, **kwargs: Any) -> None:
    """mmengine's ``print_log``, but for what it says of itself."""
    from mmengine.logging import print_log

    if 'will be deprecated' not in message:
        print_log(message, *args, **kwargs)


def silence_known_warnings() -> bool:
    """Filter warnings that say nothing about the user's work.

    mmengine's checkpoint hook uses mmengine's ``FileClient``, which then logs two
    warnings about its own deprecation.
    """
    from mmengine.fileio import file_client

    file_client.print_log = _without_deprecations
    for message in (
        '.*MultiScaleDeformableAttention.*',
        '.*pkg_resources is deprecated.*',
        '.*broadcast_buffers.*',
    ):
        warnings.filterwarnings('ignore', message=message)
    return True


#: Each mend by the name that the self-check prints.
MENDS: Dict[str, Callable[[], bool]] = {
    'known warnings silenced': silence_known_warnings,
    'torchvision beside CPU torch': mend_torchvision,
    "mmaction2's missing localizers/drn": mend_mmaction_drn,
    "mmengine's checkpoints under torch >= 2.6": mend_checkpoints,
    'weights_only for downloads under an old torch': mend_load_url,
    'files and downloads load with weights_only=True': mend_loader,
    'configs in checkpoints are parsed, not run': mend_config_text,
    'logs without secrets and home folder': mend_logs,
}
_applied: Optional[Dict[str, bool]] = None


def apply_mends() -> Dict[str, bool]:
    """Apply each mend once in a process.

    Returns:
        dict[str, bool]: Name of the mend -> whether it was needed here.
    """
    global _applied
    if _applied is None:
        applied = {}
        for name, mend in MENDS.items():
            applied[name] = mend()
            logging.getLogger(__name__).debug('%s: %s', name, applied[name])
        _applied = applied  # only now: a mend that failed is tried again
    return dict(_applied)
