"""Extraction on a Ray cluster, in actors that may die."""

import os
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tqdm import tqdm

from .jobs import ExtractorPool, Job
from .store_run import ExtractionReport

_RETRIES = 5  # per block of items whose actor died


class _Actor:
    """Towers in a process of their own; encodes blocks of items.

    Each process writes a part of its own, so an actor that is started again after a
    crash does not open the files of the dead one.
    """

    def __init__(self) -> None:
        from mmvtg.registry import register_all_modules

        register_all_modules()
        self.pool = ExtractorPool()
        self.part = f'ray-{socket.gethostname()}-{os.getpid()}'

    def run(self, job: Job, items: Sequence[tuple]) -> ExtractionReport:
        return job.run(self.pool.get(job), items, self.part, progress=False)

    def pid(self) -> int:
        return os.getpid()


def run_on_ray(
    jobs: Sequence[Job],
    num_actors: int = 2,
    address: str | None = None,
    cpus: float = 1,
    gpus: float = 0,
    block: int = 16,
) -> list[ExtractionReport]:
    """Run jobs in actors on a Ray cluster.

    A dead actor is started again with its block of items; items that it had stored are
    skipped. All nodes need the stores under the same paths.

    Args:
        jobs (Sequence[Job]): Jobs, run one after the other.
        num_actors (int): Number of actors, each with its own towers.
        address (str, optional): Address of the cluster; default is a local one.
        cpus (float): CPUs that an actor reserves.
        gpus (float): GPUs that an actor reserves.
        block (int): Items per task of an actor.

    Raises:
        ImportError: If Ray is not installed.
        ray.exceptions.RayError: If an actor dies more often than it is started again,
            or if the extraction fails for another reason than a bad item.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            '--engine ray needs Ray, which mmvtg does not require: pip install ray'
        ) from error
    started = not ray.is_initialized()
    if started:
        ray.init(address=address, log_to_driver=False)
    remote = ray.remote(max_restarts=_RETRIES, max_task_retries=_RETRIES)(_Actor)
    remote = remote.options(num_cpus=cpus, num_gpus=gpus)
    actors = [remote.remote() for _ in range(num_actors)]
    try:
        return [_run_job(ray, job, actors, block) for job in jobs]
    finally:
        for actor in actors:
            ray.kill(actor)
        if started:
            ray.shutdown()


def _run_job(ray: Any, job: Job, actors: list[Any], block: int) -> ExtractionReport:
    """Run blocks of items on free actors, and add up their reports."""
    blocks = deque(job.items[i : i + block] for i in range(0, len(job.items), block))
    bare = replace(job, items=())  # a block travels with every task, all items do not
    total = ExtractionReport()
    running: dict[Any, Any] = {}
    free = deque(actors)
    with tqdm(total=len(job.items), desc=f'{job.kind} features on Ray') as bar:
        while blocks or running:
            while blocks and free:
                actor, items = free.popleft(), blocks.popleft()
                running[actor.run.remote(bare, items)] = (actor, len(items))
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
