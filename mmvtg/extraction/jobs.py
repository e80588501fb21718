"""Extraction jobs, one per store, and their execution in this process."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .extractor import FeatureExtractor
from .store_run import ExtractionReport
from .work_list import Shard


@dataclass(frozen=True)
class Job:
    """A store, its items, and the settings of their encoding.

    Args:
        kind (str): ``video`` or ``query``.
        store (str): Folder of the store.
        items (Sequence[tuple]): Fields of :class:`VideoItem`, or (query_id, text).
        settings (Mapping): Arguments of :class:`FeatureExtractor`.
        layout (str): ``npy`` or ``pack``.
        fps (float | str, optional): Clip rate in the manifest of videos.
    """

    kind: str
    store: str
    items: Sequence[tuple]
    settings: Mapping[str, Any] = field(default_factory=dict)
    layout: str = 'npy'
    fps: float | str | None = None

    def run(
        self,
        extractor: FeatureExtractor,
        items: Sequence[tuple] | None = None,
        part: str = 'main',
        progress: bool = True,
    ) -> ExtractionReport:
        """Extract the items, or some of them; see :class:`FeatureExtractor`."""
        items = self.items if items is None else items
        shared = dict(progress=progress, layout=self.layout, part=part)
        if self.kind == 'query':
            return extractor.extract_queries(items, self.store, **shared)
        return extractor.extract_videos(
            items, self.store, nominal_fps=self.fps, **shared
        )


class ExtractorPool:
    """Builds one :class:`FeatureExtractor` for all jobs with the same settings."""

    def __init__(self) -> None:
        self._built: dict[str, FeatureExtractor] = {}

    def get(self, job: Job) -> FeatureExtractor:
        """Return the extractor of a job."""
        key = json.dumps(job.settings, sort_keys=True, default=repr)
        if key not in self._built:
            self._built[key] = FeatureExtractor(**job.settings)
        return self._built[key]


def run_here(jobs: Sequence[Job], shard: Shard) -> list[ExtractionReport]:
    """Run this process's part of the jobs, in their order.

    Args:
        jobs (Sequence[Job]): Jobs of all processes together.
        shard (Shard): Part of the items that this process takes.
    """
    pool, reports = ExtractorPool(), []
    for job in jobs:
        items = shard.pick(job.items)
        if items:
            reports.append(job.run(pool.get(job), items, shard.part))
        else:
            reports.append(ExtractionReport())
    return reports


def report_entry(job: Job, report: ExtractionReport) -> dict[str, Any]:
    """Return a job's entry of the report file."""
    rate = report.clips / report.seconds if report.seconds else 0.0
    return dict(
        asdict(report), store=job.store, kind=job.kind, clips_per_second=round(rate, 2)
    )
