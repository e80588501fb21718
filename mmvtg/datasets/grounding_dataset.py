"""Videos and sentences: the one data set of moment retrieval and highlights."""

import os.path as osp
from collections import defaultdict
from typing import Any, Dict, List, Optional, Tuple, Union

from mmengine.dataset import BaseDataset
from mmengine.logging import MMLogger

from mmvtg.registry import DATASETS
from mmvtg.structures import num_clips

from .annotations import check_window, expected_clips, read_annotations
from .errors import AnnotationError, BadSampleError
from .feature_store import (
    MAX_LENGTH_GAP,
    check_manifest,
    check_query_file,
    check_video_file,
)


@DATASETS.register_module()
class GroundingDataset(BaseDataset):
    """Samples of one annotation file, checked before the first is used.

    Each item of the pipeline starts from ``video_id, query_id, query, duration, fps,
    moments (N, 2) s, annotator_scores (n, A) | None, saliency_clip_length,
    max_length_gap`` and, for the prefixes that are given, ``video_path`` (encoded
    video), ``video_feature_path`` and ``query_feature_path``.

    While training, samples that cannot be used are left out, counted and reported with
    the reason. In test mode they are an error, unless ``allow_missing``: a score over
    fewer samples is another score.

    Args:
        ann_file (str): JSON lines, see :mod:`mmvtg.datasets.annotations`.
        fps (float | str): Clips per second of the features. ``'auto'``: one clip a row
            of the saliency annotation, spread over the duration.
        data_prefix (dict): Folders under ``data_root``: ``video`` and ``query`` of
            stored features, ``raw`` of encoded videos. Those absent are not used.
        file_names (dict): File name patterns for the same keys, with ``{video_id}`` and
            ``{query_id}``.
        saliency_clip_length (float, optional): Seconds per row of the saliency
            annotation; default is one clip.
        min_duration (float): Shortest video to train on, seconds.
        bad_windows (str): What to do with a window that ends before it starts or lies
            outside of the video: ``'raise'``, ``'drop'`` the sample, or ``'clean'``
            (keep it; a transform swaps and clamps). Only while training. A window
            that is not finite is always an error.
        domain (str, optional): Keep only samples of this domain.
        max_length_gap (int): How many clips features and duration may disagree.
        allow_missing (bool): Leave out unusable samples in test mode, too.
        **kwargs: Of mmengine's BaseDataset.
    """

    METAINFO = {'task': 'grounding'}
    FILE_NAMES = {
        'video': '{video_id}.npy',
        'query': '{query_id}.npy',
        'raw': '{video_id}.mp4',
    }

    def __init__(
        self,
        ann_file: str,
        fps: Union[float, str],
        data_prefix: Optional[dict] = None,
        file_names: Optional[dict] = None,
        saliency_clip_length: Optional[float] = None,
        min_duration: float = 0.0,
        bad_windows: str = 'raise',
        domain: Optional[str] = None,
        max_length_gap: int = MAX_LENGTH_GAP,
        allow_missing: bool = False,
        **kwargs: Any,
    ) -> None:
        if bad_windows not in ('raise', 'drop', 'clean'):
            raise ValueError(
                f"bad_windows={bad_windows!r} is none of 'raise', 'drop', 'clean'"
            )
        self.fps = fps
        self.file_names = {**self.FILE_NAMES, **(file_names or {})}
        self.saliency_clip_length = saliency_clip_length
        self.min_duration = min_duration
        self.bad_windows = bad_windows
        self.domain = domain
        self.max_length_gap = max_length_gap
        self.allow_missing = allow_missing
        self.left_out: Dict[str, List[str]] = defaultdict(list)
        self._last_index = 0
        super().__init__(ann_file=ann_file, data_prefix=data_prefix or {}, **kwargs)

    def load_data_list(self) -> List[dict]:
        """Read the annotation file and add paths and rates to each sample."""
        clip_length = self.saliency_clip_length
        if clip_length is None:
            clip_length = 1.0 if self.fps == 'auto' else 1 / self.fps
        samples = read_annotations(self.ann_file, clip_length)
        if self.domain is not None:
            domains = {sample['domain'] for sample in samples}
            samples = [s for s in samples if s['domain'] == self.domain]
            if not samples:
                raise AnnotationError(
                    f'{self.ann_file} has no sample of domain {self.domain!r}; it has '
                    f'{sorted(map(str, domains))}'
                )
        return [self._complete(sample) for sample in samples]

    def _complete(self, sample: dict) -> dict:
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
        for prefix, key in (
            ('video', 'video_feature_path'),
            ('query', 'query_feature_path'),
            ('raw', 'video_path'),
        ):
            if self.data_prefix.get(prefix):
                name = self.file_names[prefix].format(**sample)
                sample[key] = osp.join(self.data_prefix[prefix], name)
        return sample

    def filter_data(self) -> List[dict]:
        """Leave out what cannot be used and say so."""
        check_manifest(self.data_prefix.get('video'), self.fps)
        self._checked: Dict[str, Tuple[Optional[str], int]] = {}
        kept = []
        for sample in self.data_list:
            reason, detail = self._unusable(sample)
            if reason is None:
                kept.append(sample)
            else:
                self.left_out[reason].append(detail)
        del self._checked
        self._report(len(self.data_list), len(kept))
        return kept

    def _unusable(self, sample: dict) -> Tuple[Optional[str], str]:
        """(reason, detail) why a sample cannot be used, or (None, '')."""
        if not self.test_mode:
            if sample['duration'] < self.min_duration:
                reason = f'video shorter than {self.min_duration:g} s'
                return reason, sample['video_id']
            problem = self._bad_window(sample)
            if problem and self.bad_windows == 'raise':
                raise AnnotationError(
                    f'{problem}. Correct the line, or set bad_windows to "drop" or '
                    '"clean" in the data set'
                )
            if problem and self.bad_windows == 'drop':
                return 'bad window', problem
        if num_clips(sample['duration'], sample['fps']) < 1:
            return 'video shorter than one clip', sample['video_id']
        for key, check in (
            ('video_feature_path', check_video_file),
            ('query_feature_path', check_query_file),
        ):
            if key in sample:
                reason, detail = self._check_file(sample, key, check)
                if reason:
                    return reason, detail
        if 'video_path' in sample and 'video_feature_path' not in sample:
            path = sample['video_path']
            if not osp.isfile(path) or not osp.getsize(path):
                return 'missing or empty video file', path
        return None, ''

    def _check_file(self, sample: dict, key: str, check) -> Tuple[Optional[str], str]:
        path = sample[key]
        if path not in self._checked:
            self._checked[path] = check(path)
        problem, length = self._checked[path]
        if problem:
            return problem, path
        if check is check_query_file:
            return None, ''
        expected = expected_clips(sample)
        if abs(length - expected) > self.max_length_gap:
            return (
                'feature length that disagrees with the duration',
                f'{path}: {length} clips, but {sample["duration"]:g} s at '
                f'{sample["fps"]:g} clips per second make {expected}; features of '
                'another frame rate?',
            )
        return None, ''

    def _bad_window(self, sample: dict) -> Optional[str]:
        for index, window in enumerate(sample['moments'].tolist()):
            problem = check_window(window, sample['duration'], 1 / sample['fps'])
            if problem:
                start, end = window
                return (
                    f'{sample["where"]}: relevant_windows[{index}] = '
                    f'[{start:g}, {end:g}] {problem}'
                )
        return None

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
                f'{message}\nMake the features (tools/extract_features.py) or correct '
                'the files; allow_missing=True in the data set evaluates without them.'
            )
        logger.log(30 if lines else 20, message)

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline; a bad sample is skipped in training, raised in test."""
        self._last_index = idx
        try:
            return super().prepare_data(idx)
        except BadSampleError as error:
            if self.test_mode:
                raise
            MMLogger.get_current_instance().warning(f'sample skipped: {error}')
            return None

    def _rand_another(self) -> int:
        """The next sample: which one may not depend on a random state."""
        return (self._last_index + 1) % len(self)
