"""What is to be extracted, and the engines that do it."""

from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional, Sequence, Union

from .extractor import FeatureExtractor
from .store_run import ExtractionReport
from .work_list import Shard


@dataclass(frozen=True)
class Job:
    """One store and what belongs in it.

    Args:
        kind (str): ``video`` or ``query``.
        store (str): Folder of the store.
        items (Sequence[tuple]): (video_id, path[, fps]) or (query_id, text).
        layout (str): ``npy`` or ``pack``.
        fps (float | str, optional): What the manifest says of videos.
    """

    kind: str
    store: str
    items: Sequence[tuple]
    layout: str = 'npy'
    fps: Union[float, str, None] = None

    def run(
        self,
        extractor: FeatureExtractor,
        items: Optional[Sequence[tuple]] = None,
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


def run_here(
    settings: Dict[str, Any], jobs: Sequence[Job], shard: Shard
) -> List[ExtractionReport]:
    """Do this process's share of the jobs.

    Args:
        settings (dict): Arguments of :class:`FeatureExtractor`.
        jobs (Sequence[Job]): What all processes do together.
        shard (Shard): Which share is this process's.
    """
    extractor = FeatureExtractor(**settings)
    return [job.run(extractor, shard.pick(job.items), shard.part) for job in jobs]


def summarise(job: Job, report: ExtractionReport) -> Dict[str, Any]:
    """What a report file says about a job."""
    rate = report.clips / report.seconds if report.seconds else 0.0
    return dict(
        asdict(report), store=job.store, kind=job.kind, clips_per_second=round(rate, 2)
    )
