"""Videos and sentences: the one data set of moment retrieval and highlights."""

import os.path as osp
from collections import defaultdict
from typing import Any, Dict, List, Optional, Sequence, Union

from mmengine.logging import MMLogger

from mmvtg.registry import DATASETS

from .annotations import read_annotations
from .encoding_spec import parse_encoding
from .errors import AnnotationError, BadSampleError
from .feature_store import MAX_LENGTH_GAP
from .feature_streams import QUERY, build_streams, check_streams
from .sample_check import BAD_WINDOW, SampleCheck
from .shares import check_share, keep_share
from .skipping import SkippingDataset


@DATASETS.register_module()
class GroundingDataset(SkippingDataset):
    """Samples of one annotation file, checked before the first is used.

    Each item of the pipeline starts from ``video_id, query_id, query, duration, fps,
    moments (N, 2) s, annotator_scores (n, A) | None, saliency_clip_length,
    max_length_gap`` and, for the prefixes that are given, ``video_path`` (encoded
    video), ``video_feature_path`` and ``query_feature_path``. Several streams of video
    features have a path each (``slowfast_feature_path``, ...), ``video_streams`` names
    them in the order of joining, ``resampled`` those with a rate of their own.

    While training, samples that cannot be used are left out, counted and reported with
    the reason. In test mode they are an error, unless ``allow_missing``: a score over
    fewer samples is another score.

    Args:
        ann_file (str): JSON lines, see :mod:`mmvtg.datasets.annotations`.
        fps (float | str): Clips per second of the features. ``'auto'``: one clip a row
            of the saliency annotation, spread over the duration.
        data_prefix (dict): Folders under ``data_root``: ``video`` (or each stream of
            ``streams``) and ``query`` of stored features, ``raw`` of encoded videos.
            Those absent are not used.
        file_names (dict): File name patterns for the same keys, with ``{video_id}`` and
            ``{query_id}``, and ``::key`` for an array in a file of several; see
            :mod:`mmvtg.datasets.array_files`.
        encoding (dict, optional): The config's block of that name, see
            :mod:`mmvtg.datasets.encoding_spec`: which streams are read, what is
            expected of them, and how they are joined.
        streams (dict, optional): Without ``encoding``: kind of features -> arguments of
            :class:`FeatureStream`, joined in this order. Default: ``video`` and
            ``query``.
        saliency_clip_length (float, optional): Seconds per row of the saliency
            annotation; default is one clip.
        min_duration (float): Shortest video to train on, seconds.
        bad_windows (str): What to do with a window that ends before it starts or lies
            outside of the video: ``'raise'``, ``'drop'`` the sample, or ``'clean'``
            (keep it; a transform swaps and clamps). Only while training. A window
            that is not finite is always an error.
        domain (str, optional): Keep only samples of this domain.
        share (Sequence[float], optional): Keep only a share of the file's videos, see
            :func:`keep_share`: ``(0, 0.95)`` and ``(0.95, 1)`` hold 5 % out.
        max_length_gap (int): How many clips features and duration may disagree.
        allow_missing (bool): Leave out unusable samples in test mode, too.
        **kwargs: Of mmengine's BaseDataset.
    """

    METAINFO = {'task': 'grounding'}
    #: The config's block `encoding` is given to this data set.
    READS_ENCODING = True
    FILE_NAMES = {
        'video': '{video_id}.npy',
        'query': '{query_id}.npy',
        'raw': '{video_id}.mp4',
    }
    #: Whether ``raw`` videos are decoded, so that they say how many clips there are.
    DECODES = False

    def __init__(
        self,
        ann_file: str,
        fps: Union[float, str],
        data_prefix: Optional[dict] = None,
        file_names: Optional[dict] = None,
        encoding: Optional[dict] = None,
        streams: Optional[dict] = None,
        saliency_clip_length: Optional[float] = None,
        min_duration: float = 0.0,
        bad_windows: str = 'raise',
        domain: Optional[str] = None,
        share: Optional[Sequence[float]] = None,
        max_length_gap: int = MAX_LENGTH_GAP,
        allow_missing: bool = False,
        **kwargs: Any,
    ) -> None:
        if bad_windows not in ('raise', 'drop', 'clean'):
            raise ValueError(
                f"bad_windows={bad_windows!r} is none of 'raise', 'drop', 'clean'"
            )
        if share is not None:
            check_share(share)
        self.fps = fps
        self.file_names = {**self.FILE_NAMES, **(file_names or {})}
        self.saliency_clip_length = saliency_clip_length
        self.min_duration = min_duration
        self.bad_windows = bad_windows
        self.domain = domain
        self.share = share
        self.max_length_gap = max_length_gap
        self.allow_missing = allow_missing
        self.left_out: Dict[str, List[str]] = defaultdict(list)
        self.encoding = None if encoding is None else parse_encoding(encoding)
        if self.encoding is not None:
            streams = self.encoding.stream_settings()
        self._stream_settings = streams
        super().__init__(ann_file=ann_file, data_prefix=data_prefix or {}, **kwargs)

    def _join_prefix(self) -> None:
        """Folders become paths, and streams are built of them."""
        super()._join_prefix()
        decoded = self.DECODES and bool(self.data_prefix.get('raw'))
        self.streams = build_streams(self.data_prefix, self._stream_settings, decoded)

    def get_data_info(self, idx: int) -> dict:
        """Return a sample with the config's ``encoding``, for its loader."""
        sample = super().get_data_info(idx)
        if self.encoding is not None:
            sample['encoding'] = self.encoding
        return sample

    def load_data_list(self) -> List[dict]:
        """Read the annotation file and add paths and rates to each sample."""
        samples = read_annotations(self.ann_file, self.row_length)
        if self.domain is not None:
            domains = {sample['domain'] for sample in samples}
            samples = [s for s in samples if s['domain'] == self.domain]
            if not samples:
                raise AnnotationError(
                    f'{self.ann_file} has no sample of domain {self.domain!r}; it has '
                    f'{sorted(map(str, domains))}'
                )
        if self.share is not None:
            samples = keep_share(samples, self.share, self.ann_file)
        return [self.complete(sample) for sample in samples]

    @property
    def row_length(self) -> float:
        """Seconds per row of the saliency annotation, as far as it is known."""
        if self.saliency_clip_length is not None:
            return self.saliency_clip_length
        return 1.0 if self.fps == 'auto' else 1 / self.fps

    def complete(self, sample: dict) -> dict:
        """Add paths and rates to a sample of the annotation file.

        Raises:
            AnnotationError: ``fps='auto'`` and no labels.
        """
        scores, where = sample['annotator_scores'], sample['where']
        sample['fps'] = self.fps
        sample['max_length_gap'] = self.max_length_gap
        if self.fps == 'auto':
            if scores is None:
                raise AnnotationError(
                    f"{where}: fps='auto' needs one label a clip, and there is none"
                )
            sample['fps'] = len(scores) / sample['duration']
            sample['saliency_clip_length'] = 1 / sample['fps']
        names = [stream.name for stream in self.streams if stream.name != QUERY]
        if names != ['video']:
            sample['video_streams'] = names
            sample['resampled'] = [s.name for s in self.streams if s.resample]
        for stream in self.streams:
            sample[stream.path_key] = self._path(stream.name, sample)
        if self.data_prefix.get('raw'):
            sample['video_path'] = self._path('raw', sample)
        return sample

    def _path(self, name: str, sample: dict) -> str:
        pattern = self.file_names.get(name, '{video_id}.npy')
        return osp.join(self.data_prefix[name], pattern.format(**sample))

    def filter_data(self) -> List[dict]:
        """Leave out what cannot be used and say so."""
        self.check_stores()
        check = self.sample_check()
        kept = []
        for sample in self.data_list:
            reason, detail = next(check.problems(sample), (None, ''))
            if reason is None:
                kept.append(sample)
            elif reason == BAD_WINDOW and self.bad_windows == 'raise':
                raise AnnotationError(
                    f'{detail}. Correct the line, or set bad_windows to "drop" or '
                    '"clean" in the data set'
                )
            else:
                self.left_out[reason].append(detail)
        self._report(len(self.data_list), len(kept))
        return kept

    def check_stores(self) -> None:
        """Refuse feature stores whose manifests do not fit the config.

        Raises:
            BadSampleError: Both values are in the message.
        """
        self._metainfo['features'] = check_streams(self.streams, self.fps)

    def sample_check(self) -> SampleCheck:
        """What finds the problems of this data set's samples."""
        training = not self.test_mode
        return SampleCheck(
            self.streams,
            self.max_length_gap,
            self.min_duration if training else 0.0,
            windows=training and self.bad_windows != 'clean',
        )

    def _report(self, total: int, kept: int) -> None:
        logger = MMLogger.get_current_instance()
        name = osp.basename(self.ann_file)
        lines = [
            f'  {len(details)} x {reason}, first: {details[0]}'
            for reason, details in self.left_out.items()
        ]
        message = f'{name}: {kept} of {total} samples are used'
        if lines:
            message += ', left out are\n' + '\n'.join(lines)
        if kept == 0 or (lines and self.test_mode and not self.allow_missing):
            raise BadSampleError(
                f'{message}\nMake the features (python tools/extract_features.py '
                'CONFIG) or correct the files; allow_missing=True in the data set '
                'evaluates without them.'
            )
        logger.log(30 if lines else 20, message)
