"""What the command-line tools share."""

import os
import os.path as osp
from typing import Optional

import torch
import torch.distributed as dist
from mmengine.config import Config


def load_config(path: str, options: Optional[dict] = None) -> Config:
    """Read a config and apply ``--cfg-options``.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(f'config {path} does not exist')
    cfg = Config.fromfile(path)
    if options:
        cfg.merge_from_dict(options)
    return cfg


def set_work_dir(cfg: Config, work_dir: Optional[str], config_path: str) -> None:
    """Command line first, then the config's ``work_dir``, then the config's name."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        name = osp.splitext(osp.basename(config_path))[0]
        cfg.work_dir = osp.join('work_dirs', name)


def adapt_to_device(cfg: Config, launcher: str) -> None:
    """Let several processes run on a machine without an accelerator.

    mmengine's own start asks for a CUDA device. Without one the process group is made
    here, with gloo, and DDP gets no device ids.

    Args:
        cfg (Config): Changed in place.
        launcher (str): ``none``, ``pytorch``, ``slurm`` or ``mpi``.
    """
    cfg.launcher = launcher
    if launcher == 'none' or torch.cuda.is_available():
        return
    if launcher == 'slurm':
        os.environ.setdefault('RANK', os.environ['SLURM_PROCID'])
        os.environ.setdefault('WORLD_SIZE', os.environ['SLURM_NTASKS'])
        os.environ.setdefault('LOCAL_RANK', os.environ.get('SLURM_LOCALID', '0'))
    elif launcher == 'mpi':
        os.environ.setdefault('RANK', os.environ['OMPI_COMM_WORLD_RANK'])
        os.environ.setdefault('WORLD_SIZE', os.environ['OMPI_COMM_WORLD_SIZE'])
    os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
    os.environ.setdefault('MASTER_PORT', '29500')
    if not dist.is_initialized():
        dist.init_process_group('gloo')
    cfg.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False
    )


def check_amp(cfg: Config) -> None:
    """Switch mixed precision on.

    Raises:
        RuntimeError: No accelerator, so it would do nothing but fail later.
        ValueError: The config has an optimiser wrapper of its own kind.
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
