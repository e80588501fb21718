"""What the metrics share about collected results."""

import os.path as osp
from typing import Any, Callable, Dict, Hashable, List, Sequence

import numpy as np
from mmengine.logging import MMLogger


def to_numpy(values: Any) -> np.ndarray:
    """A tensor on any device, array or list -> float64 array."""
    if hasattr(values, 'detach'):
        values = values.detach().cpu().float().numpy()
    return np.asarray(values, dtype=np.float64)


def sort_unique(
    results: Sequence[Any],
    key: Callable[[Any], Hashable],
    identity: Callable[[Any], Hashable],
) -> List[Any]:
    """Results in the order of their keys, each key once.

    Samplers repeat samples to give every process as many; such copies are dropped. The
    order makes sums, and so the metrics, independent of the number of processes.

    Args:
        results (Sequence): Of all processes.
        key (callable): The query (or video) id of a result.
        identity (callable): What results of the same key must agree in.

    Raises:
        ValueError: If different samples have the same key.
    """
    unique: Dict[Any, Any] = {}
    for item in results:
        first = unique.setdefault(key(item), item)
        if identity(first) != identity(item):
            raise ValueError(
                f'two samples have the query id {key(item)!r}: {identity(first)} and '
                f'{identity(item)}; ids in the annotation file must be unique'
            )
    return [
        unique[qid]
        for qid in sorted(unique, key=lambda qid: (isinstance(qid, str), qid))
    ]


def run_folder() -> str:
    """Work directory of the run: its log file is <work_dir>/<time>/<time>.log."""
    log_file = MMLogger.get_current_instance().log_file
    return osp.dirname(osp.dirname(log_file)) if log_file else ''
