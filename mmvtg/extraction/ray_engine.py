"""Extraction on a Ray cluster: the same code, in actors that may die."""

import os
import socket
from collections import deque
from typing import Any, Dict, List, Optional, Sequence

from tqdm import tqdm

from .extractor import FeatureExtractor
from .jobs import Job
from .store_run import ExtractionReport

_RETRIES = 5  # of a block of items whose actor died


class _Actor:
    """Holds the towers; takes blocks of items.

    Each process writes a part of its own, so an actor that is started again after a
    crash never meets what the dead one had open.
    """

    def __init__(self, settings: Dict[str, Any]) -> None:
        from mmvtg.registry import register_all_modules

        register_all_modules()
        self.extractor = FeatureExtractor(**settings)
        self.part = f'ray-{socket.gethostname()}-{os.getpid()}'

    def run(self, job: Job, items: Sequence[tuple]) -> ExtractionReport:
        return job.run(self.extractor, items, self.part, progress=False)

    def pid(self) -> int:
        return os.getpid()


def run_on_ray(
    settings: Dict[str, Any],
    jobs: Sequence[Job],
    num_actors: int = 2,
    address: Optional[str] = None,
    cpus: float = 1,
    gpus: float = 0,
    block: int = 16,
) -> List[ExtractionReport]:
    """Do the jobs in actors on a Ray cluster.

    An actor that dies is started again, and its block with it; what it had stored is
    there and is skipped. All nodes must see the store under one path.

    Args:
        settings (dict): Arguments of :class:`FeatureExtractor`.
        jobs (Sequence[Job]): What to do.
        num_actors (int): Actors, one copy of the towers each.
        address (str, optional): Of the cluster; default is a local one.
        cpus (float): That an actor reserves.
        gpus (float): That an actor reserves.
        block (int): Items that an actor is given at once.

    Raises:
        ImportError: Ray is not installed.
        ray.exceptions.RayError: An actor died more often than it is started again, or
            an error of the extraction that is no bad item.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            '--engine ray needs Ray, which is no requirement of mmvtg: pip install ray'
        ) from error
    started = not ray.is_initialized()
    if started:
        ray.init(address=address, log_to_driver=False)
    remote = ray.remote(max_restarts=_RETRIES, max_task_retries=_RETRIES)(_Actor)
    remote = remote.options(num_cpus=cpus, num_gpus=gpus)
    actors = [remote.remote(settings) for _ in range(num_actors)]
    try:
        return [_run_job(ray, job, actors, block) for job in jobs]
    finally:
        for actor in actors:
            ray.kill(actor)
        if started:
            ray.shutdown()


def _run_job(ray: Any, job: Job, actors: List[Any], block: int) -> ExtractionReport:
    """Hand out blocks to whoever is free, and add up the reports."""
    blocks = deque(job.items[i : i + block] for i in range(0, len(job.items), block))
    total = ExtractionReport()
    running: Dict[Any, Any] = {}
    free = deque(actors)
    with tqdm(total=len(job.items), desc=f'{job.kind} features on Ray') as bar:
        while blocks or running:
            while blocks and free:
                actor, items = free.popleft(), blocks.popleft()
                running[actor.run.remote(job, items)] = (actor, len(items))
            for reference in ray.wait(list(running))[0]:
                actor, count = running.pop(reference)
                _add(total, ray.get(reference))
                free.append(actor)
                bar.update(count)
    return total


def _add(total: ExtractionReport, report: ExtractionReport) -> None:
    total.failed.update(report.failed)
    for name in ('written', 'present', 'clips', 'seconds', 'waited'):
        setattr(total, name, getattr(total, name) + getattr(report, name))
