"""Configs, errors and processes of the command-line tools."""

import argparse
import atexit
import copy
import os
import os.path as osp
import subprocess
from typing import Any

import torch
import torch.distributed as dist
from mmengine.config import Config, DictAction
from torch import nn

from mmvtg.datasets.encoding_spec import encoding_of, parse_encoding
from mmvtg.part_arguments import ConfigError
from mmvtg.registry import DATASETS, resolve

from .config_check import check_parts
from .config_groups import check_option_names
from .config_types import plain_types

#: Fields of earlier versions, which would be ignored.
_RETIRED = ('feature_extractor', 'motion_extractor')
#: Launcher: variables that it sets, and the command that starts a tool with it.
_LAUNCHERS = dict(
    pytorch=(
        ('RANK', 'WORLD_SIZE'),
        'torchrun --nproc_per_node=N tools/train.py CONFIG --launcher pytorch',
    ),
    slurm=(('SLURM_PROCID', 'SLURM_NTASKS'), 'bash tools/slurm_train.sh'),
    mpi=(
        ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'),
        'mpirun -n N python tools/train.py CONFIG --launcher mpi',
    ),
)


class ConfigOptions(DictAction):
    """mmengine's ``key=value`` options; a word without ``=`` is an error of usage."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        for value in values:
            if '=' not in value:
                parser.error(f'{option_string} needs key=value, got {value!r}')
        super().__call__(parser, namespace, values, option_string)


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of training and test: config overrides and launchers."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        help='override config fields: key=value, nested as a.b=value',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_config(path: str, options: dict | None = None) -> Config:
    """Read a config, apply ``--cfg-options`` and check the names in it.

    Types become the plain names of parts, however the config spells them.

    Raises:
        FileNotFoundError: If the config does not exist.
        ConfigError: If the file is not a config, a part, argument or option is unknown,
            or a field is of an earlier version of mmvtg.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(f'config {path} does not exist')
    cfg = _read_config(path)
    if options:
        check_option_names(cfg, options)
        try:
            cfg.merge_from_dict(options)
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f'--cfg-options: {_one_line(error)}') from error
    for name in _RETIRED:
        if cfg.get(name) is not None:
            raise ConfigError(
                f'{path}: the field `{name}` is now part of the block `encoding`; '
                'docs/migration.md has a table of old and new fields'
            )
    plain_types(cfg)
    check_parts(cfg)
    share_encoding(cfg)
    return cfg


def _read_config(path: str) -> Config:
    """Read a config file; errors of its code become one line.

    Raises:
        FileNotFoundError: If a config of ``_base_`` does not exist.
        ConfigError: If the code of the config fails.
    """
    try:
        return Config.fromfile(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{path}: {_one_line(error)}') from error
    except Exception as error:  # a config is a program, which may raise anything
        kind = type(error).__name__
        raise ConfigError(
            f'{path} is not a readable config ({kind}: {_one_line(error)})'
        ) from error


def _one_line(error: Exception) -> str:
    """Return the message of an error without line breaks."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return ' '.join(str(text).split())


def require_fields(cfg: Config, path: str, *names: str) -> None:
    """Refuse a config without fields that a tool needs.

    Args:
        cfg (Config): Config.
        path (str): Path of the config, for messages.
        names (str): Names of fields.

    Raises:
        ConfigError: If a field is missing or None.
    """
    missing = [name for name in names if cfg.get(name) is None]
    if missing:
        raise ConfigError(
            f'{path} has no {" and no ".join(missing)}: give a config of '
            'configs/METHOD, or add these fields, for example with _base_'
        )


def share_encoding(cfg: Config) -> None:
    """Copy the block ``encoding`` of a config into the data sets that read it.

    ``--cfg-options encoding...`` thus changes all data sets. The field
    ``train_encoding`` holds changes for the training set, such as patches that only a
    loss reads.
    """
    block = encoding_of(cfg)
    if block is None:
        return
    parse_encoding(block)
    cfg.encoding = block
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        changes = cfg.get('train_encoding') if split == 'train' else None
        for dataset in leaf_datasets(loader['dataset']) if loader else ():
            if getattr(resolve(dataset['type'], DATASETS), 'READS_ENCODING', False):
                dataset['encoding'] = _changed(block, changes)
                if dataset.get('fps') and block.get('fps'):
                    dataset['fps'] = block['fps']


def _changed(block: dict, changes: dict | None) -> dict:
    """Return a copy of a block, merged with changes as in a config."""
    copied = Config(dict(encoding=copy.deepcopy(block)))
    copied.merge_from_dict(dict(encoding=copy.deepcopy(changes or {})))
    return copied.encoding


def leaf_datasets(dataset: dict) -> list[dict]:
    """Return the data sets inside of wrappers (RepeatDataset, ConcatDataset, ...)."""
    if 'datasets' in dataset:
        return [leaf for one in dataset['datasets'] for leaf in leaf_datasets(one)]
    if 'dataset' in dataset:
        return leaf_datasets(dataset['dataset'])
    return [dataset]


def set_work_dir(cfg: Config, work_dir: str | None, config_path: str) -> None:
    """Set ``work_dir`` from the command line, the config, or the name of the config."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        name = osp.splitext(osp.basename(config_path))[0]
        cfg.work_dir = osp.join('work_dirs', name)


def _master_address() -> str:
    """Return the host of rank 0: this one, or the first host of a Slurm job.

    Raises:
        RuntimeError: If scontrol does not name the hosts of the job.
    """
    if int(os.environ.get('SLURM_NNODES', '1')) == 1:
        return '127.0.0.1'
    nodes = os.environ.get('SLURM_NODELIST', '')
    try:
        command = ['scontrol', 'show', 'hostnames', nodes]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        return answer.stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        raise RuntimeError(
            f'cannot find the first host of SLURM_NODELIST={nodes!r} with scontrol '
            f'({error}); set MASTER_ADDR to the host of rank 0'
        ) from error


def _check_launcher(launcher: str) -> None:
    """Check that ``launcher`` started this process.

    Raises:
        ConfigError: If variables of the launcher are missing.
    """
    names, command = _LAUNCHERS[launcher]
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise ConfigError(
            f'--launcher {launcher} needs a process that {launcher} started, and '
            f'{missing[0]} is not set; start with "{command}", or omit --launcher for '
            'a single process'
        )


def _ddp_without_device(cfg: Config) -> dict:
    """Return the config of the model wrapper, without device ids.

    Defaults are those of mmengine, where a config without ``model_wrapper_cfg`` may
    have ``find_unused_parameters``.
    """
    wrapper = dict(type='MMDistributedDataParallel', broadcast_buffers=False)
    if cfg.get('model_wrapper_cfg'):
        wrapper.update(cfg.model_wrapper_cfg)
    elif cfg.get('find_unused_parameters'):
        wrapper['find_unused_parameters'] = True
    return dict(wrapper, device_ids=None)


def adapt_to_device(cfg: Config, launcher: str) -> None:
    """Set up several processes on a machine without an accelerator.

    mmengine itself needs a CUDA device. Without it, this function creates the process
    group with gloo, and DDP gets no device ids.

    Args:
        cfg (Config): Changed in place.
        launcher (str): ``none``, ``pytorch``, ``slurm`` or ``mpi``.

    Raises:
        ConfigError: If the launcher did not start this process.
        RuntimeError: If the first node of a Slurm job is unknown.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return
    _check_launcher(launcher)
    if torch.cuda.is_available():
        return
    if launcher == 'slurm':
        os.environ.setdefault('RANK', os.environ['SLURM_PROCID'])
        os.environ.setdefault('WORLD_SIZE', os.environ['SLURM_NTASKS'])
        os.environ.setdefault('LOCAL_RANK', os.environ.get('SLURM_LOCALID', '0'))
    elif launcher == 'mpi':
        os.environ.setdefault('RANK', os.environ['OMPI_COMM_WORLD_RANK'])
        os.environ.setdefault('WORLD_SIZE', os.environ['OMPI_COMM_WORLD_SIZE'])
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _master_address()
    os.environ.setdefault('MASTER_PORT', '29500')
    if not dist.is_initialized():
        dist.init_process_group('gloo')
        # gloo's threads may abort a process that ends while they run
        atexit.register(dist.destroy_process_group)
    cfg.model_wrapper_cfg = _ddp_without_device(cfg)


def refuse_random_weights(model: nn.Module, config_path: str) -> None:
    """Check that a model without a checkpoint has no learned parameters.

    Raises:
        ConfigError: If it has; its scores would be those of random weights.
    """
    if any(value.requires_grad for value in model.parameters()):
        raise ConfigError(
            f'{config_path} describes a model with learned parameters: give a '
            'checkpoint (tools/train.py makes one), or "random" to score random weights'
        )


def check_amp(cfg: Config) -> None:
    """Enable mixed precision.

    Raises:
        RuntimeError: If torch has no accelerator.
        ValueError: If the config has an optimizer wrapper of another type.
    """
    if not torch.cuda.is_available():
        raise RuntimeError(
            '--amp needs an accelerator, and torch sees none here; leave it out to '
            'train on the CPU in float32'
        )
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp cannot be combined with optim_wrapper type {kind!r}')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
