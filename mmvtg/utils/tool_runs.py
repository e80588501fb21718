"""Tools that run tools: calls that leave a log, what a test found, means over runs."""

import json
import os
import os.path as osp
import subprocess
import sys
from glob import glob
from typing import Dict, List, Optional, Sequence

import numpy as np

_PREDICTIONS = ('detections.json', 'proposals.json')


def call_tool(
    tool: str,
    arguments: List[str],
    folder: str,
    env: Optional[Dict[str, str]] = None,
) -> None:
    """Run a Python tool in a process of its own; its output goes to a file.

    Args:
        tool (str): Path of the script.
        arguments (List[str]): Its command line.
        folder (str): For the log, ``train.out`` of ``train.py``; made if needed.
        env (Dict[str, str], optional): Environment, default this process's.

    Raises:
        RuntimeError: It failed; the message ends with its last lines.
    """
    os.makedirs(folder, exist_ok=True)
    name = osp.basename(tool)
    log = osp.join(folder, f'{osp.splitext(name)[0]}.out')
    with open(log, 'w', encoding='utf-8') as file:
        command = [sys.executable, tool, *arguments]
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=env)
    if done.returncode:
        with open(log, encoding='utf-8', errors='replace') as file:
            tail = ''.join(file.readlines()[-8:])
        raise RuntimeError(f'{name} failed, see {log}:\n{tail}')


def newest_metrics(folder: str) -> Dict[str, float]:
    """The numbers that mmengine wrote of the last test in a work directory.

    Raises:
        FileNotFoundError: No test has been run there.
    """
    files = [
        path
        for path in glob(osp.join(folder, '*', '*.json'))
        if osp.basename(path) not in _PREDICTIONS
    ]
    if not files:
        raise FileNotFoundError(f'{folder}: the test wrote no metrics')
    with open(max(files, key=osp.getmtime), encoding='utf-8') as file:
        found = json.load(file)
    return {k: v for k, v in found.items() if isinstance(v, (int, float))}


def spread(values: Sequence[float]) -> Dict[str, Optional[float]]:
    """Mean and standard deviation (of a sample); one value has no deviation."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return dict(mean=float(np.mean(values)), std=std)


def spread_text(mean: float, std: Optional[float], digits: int = 2) -> str:
    """``12.34 ± 0.56``, or without deviation."""
    text = f'{mean:.{digits}f}'
    return text if std is None else f'{text} ± {std:.{digits}f}'
