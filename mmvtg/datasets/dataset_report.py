"""What a data set on disk holds and what it lacks, without stopping at the first."""

import os.path as osp
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from .annotations import parse_sample
from .array_files import array_shape, split_address
from .errors import AnnotationError, BadSampleError
from .feature_store import QUERY_AXES, VIDEO_AXES, load_array
from .feature_streams import QUERY, FeatureStream
from .grounding_dataset import GroundingDataset
from .ids import check_unique
from .json_lines import object_lines, parse_line
from .sample_check import BAD_WINDOW, SampleCheck

ERROR, WARNING = 'error', 'warning'
#: Kind of findings: a row without content, as a failed extraction leaves it.
ZERO_ROWS = 'features with rows of zeros'


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        severity (str): ``error``, or ``warning`` for what a run would get over.
        kind (str): Findings of one kind are counted together.
        detail (str): File, line and remedy, as far as there are.
    """

    severity: str
    kind: str
    detail: str


@dataclass
class StreamSummary:
    """What was found of one kind of features.

    Args:
        name (str): Of the stream.
        folder (str): Where it lies.
        wanted (int): Files, or arrays in files, that the samples name.
        found (int): How many of them can be read.
        size (int): Bytes of the files.
        shape (tuple, optional): Of a clip or token, from the first array.
    """

    name: str
    folder: str
    wanted: int = 0
    found: int = 0
    size: int = 0
    shape: Optional[Tuple[int, ...]] = None


@dataclass
class DatasetReport:
    """Samples, features and findings of one annotation file.

    Args:
        name (str): The annotation file.
        samples (list[dict]): Those that could be read.
        findings (list[Finding]): What is wrong, in the order of the file.
        streams (list[StreamSummary]): Stored features.
        videos_found (int, optional): Encoded videos, if the data set has a folder.
    """

    name: str
    samples: List[dict] = field(default_factory=list)
    findings: List[Finding] = field(default_factory=list)
    streams: List[StreamSummary] = field(default_factory=list)
    videos_found: Optional[int] = None

    @property
    def durations(self) -> Dict[str, float]:
        """Video id -> seconds."""
        return {sample['video_id']: sample['duration'] for sample in self.samples}

    @property
    def num_errors(self) -> int:
        """How many findings would stop a run, or take samples from it."""
        return sum(finding.severity == ERROR for finding in self.findings)


def examine(
    dataset: GroundingDataset,
    deep: bool = False,
    progress: Optional[Callable[[list], Iterable[dict]]] = None,
) -> DatasetReport:
    """Look at everything that a data set names.

    Args:
        dataset (GroundingDataset): Built with ``lazy_init=True``.
        deep (bool): Read whole feature files, which finds damage behind their headers
            and NaN.
        progress (callable, optional): Wraps an iterable of samples.
    """
    report = DatasetReport(dataset.ann_file)
    report.samples = list(_read(dataset, report.findings))
    for stream in dataset.streams:
        try:
            stream.check_store(dataset.fps)
        except BadSampleError as error:
            report.findings.append(
                Finding(ERROR, 'store of other features', str(error))
            )
    gap, shortest = dataset.max_length_gap, dataset.min_duration
    check = SampleCheck(dataset.streams, gap, 0 if dataset.test_mode else shortest)
    seen = set()
    for sample in (progress or iter)(report.samples):
        problems = [*check.problems(sample)]
        if deep:
            problems += _deep(sample, dataset.streams, check, seen)
        for kind, detail in problems:
            if (kind, detail) not in seen:  # queries share the files of a video
                seen.add((kind, detail))
                report.findings.append(_finding(dataset, sample, kind, detail))
    report.streams = [_summarise(s, report.samples, check) for s in dataset.streams]
    _count_videos(report)
    return report


def _read(dataset: GroundingDataset, findings: List[Finding]) -> Iterator[dict]:
    """The samples that can be read; the other lines become findings."""
    seen: Dict[str, str] = {}
    domains = set()
    count = 0
    try:
        for number, line in object_lines(dataset.ann_file):
            where = f'{dataset.ann_file}:{number}'
            try:
                item = parse_line(line, where)
                sample = parse_sample(item, where, dataset.row_length)
                sample['where'] = where
                check_unique(sample, seen)
                domains.add(str(sample['domain']))
                if dataset.domain in (None, sample['domain']):
                    count += 1
                    yield dataset.complete(sample)
            except AnnotationError as error:
                findings.append(Finding(ERROR, 'malformed annotation', str(error)))
    except FileNotFoundError as error:
        findings.append(Finding(ERROR, 'missing annotation file', str(error)))
        return
    except AnnotationError as error:  # of the file: nothing behind it can be read
        findings.append(Finding(ERROR, 'unreadable annotation file', str(error)))
        return
    if not count:
        detail = f'{dataset.ann_file}: no sample could be read'
        if dataset.domain is not None and domains:
            detail += f' of domain {dataset.domain!r}; it has {sorted(domains)}'
        findings.append(Finding(ERROR, 'no sample', detail))


def _finding(
    dataset: GroundingDataset, sample: dict, kind: str, detail: str
) -> Finding:
    if kind == ZERO_ROWS:
        harmless = True
    elif kind == BAD_WINDOW:
        harmless = dataset.test_mode or dataset.bad_windows != 'raise'
    else:  # a test set must be complete
        harmless = kind.startswith('video shorter than') and not dataset.test_mode
    if sample['where'] not in detail:
        detail = f'{detail} (needed by {sample["where"]})'
    return Finding(WARNING if harmless else ERROR, kind, detail)


def _deep(
    sample: dict, streams: Iterable[FeatureStream], check: SampleCheck, seen: set
) -> Iterator[Tuple[str, str]]:
    """Problems that only the whole file shows; each file is read once."""
    for stream in streams:
        address = sample[stream.path_key]
        if check.files[address][0] or ('read', address) in seen:
            continue
        seen.add(('read', address))
        axes = QUERY_AXES if stream.name == QUERY else VIDEO_AXES
        try:
            array = load_array(address, stream.name, axes)
        except BadSampleError as error:
            yield 'features that cannot be used', str(error)
            continue
        zeros = int((array.reshape(len(array), -1) == 0).all(axis=1).sum())
        if zeros:
            yield ZERO_ROWS, f'{address}: {zeros} of {len(array)} rows are all zero'


def _summarise(
    stream: FeatureStream, samples: List[dict], check: SampleCheck
) -> StreamSummary:
    addresses = {sample[stream.path_key] for sample in samples}
    good = sorted(a for a in addresses if check.files[a][0] is None)
    files = {split_address(address)[0] for address in good}
    return StreamSummary(
        name=stream.name,
        folder=stream.folder,
        wanted=len(addresses),
        found=len(good),
        size=sum(map(osp.getsize, files)),
        shape=tuple(array_shape(good[0])[1:]) if good else None,
    )


def _count_videos(report: DatasetReport) -> None:
    paths = {s['video_path'] for s in report.samples if 'video_path' in s}
    if paths and any(osp.isdir(folder) for folder in map(osp.dirname, paths)):
        report.videos_found = sum(osp.isfile(path) for path in paths)
