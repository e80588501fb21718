"""Videos and the actions in them: the one data set of temporal action detection."""

import os.path as osp
from collections import Counter
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import MMLogger

from mmvtg.registry import DATASETS
from mmvtg.structures import window_starts

from .class_lists import (
    ClassSource,
    read_class_list,
    readable_name,
    require_disjoint,
    under_root,
    warn_of_shared_segments,
)
from .detection_annotations import (
    all_class_names,
    names_by_segment,
    read_detection_annotations,
    segment_problem,
    shared_names,
)
from .encoding_spec import parse_encoding
from .errors import AnnotationError, BadSampleError
from .feature_streams import build_streams, check_streams


@DATASETS.register_module()
class ActionDetectionDataset(BaseDataset):
    """Videos of one annotation file in ActivityNet's layout, one item a video.

    Each item of the pipeline starts from ``video_id, duration, segments (N, 2) s,
    labels (N,), classes (names as words), video_streams`` and a path for each stream.
    With ``window`` it also has ``rows``, first and last row of its features.

    Only instances of ``classes`` exist for this data set; a video without one is left
    out. Test classes thus restrict the ground truth, as zero-shot protocols want it.
    What is left out is counted and reported. In test mode a video without usable
    features is an error, unless ``allow_missing``.

    Args:
        ann_file (str): See :func:`read_detection_annotations`.
        subset (str | Sequence[str], optional): Name, or names; None: all videos.
        classes (str | Sequence[str], optional): Names, or a file with a name a line. A
            label is the place in it. None: all that the file has in any subset, by
            name, for closed-set runs.
        unseen (str | Sequence[str]): Classes that must not be among ``classes``: the
            leakage guard of training sets.
        shared_segments (str): What to do with instances whose very segment is annotated
            with a class of ``unseen``, too (THUMOS14's Diving and CliffDiving):
            ``'keep'`` and warn, or ``'drop'``.
        other_classes (str): What to do with instances of neither list: ``'drop'`` or
            ``'raise'``.
        data_prefix (dict): Folder of each stream under ``data_root``.
        file_names (dict): File name patterns, ``{video_id}.npy`` by default.
        encoding (dict, optional): The config's block of that name, see
            :mod:`mmvtg.datasets.encoding_spec`.
        streams (dict, optional): Without ``encoding``: kind of features -> arguments of
            :class:`FeatureStream`, joined in this order; default ``video``.
        fps (float, optional): Rows of features per second. Needed by windows; otherwise
            features are taken to cover the video, however many there are.
        window (int, optional): Cut longer videos into windows of so many rows, for
            training. In test mode the model does that.
        window_stride (int, optional): Rows between windows; default half a window.
        allow_missing (bool): Leave out unusable videos in test mode, too.
        **kwargs: Of mmengine's BaseDataset.
    """

    METAINFO = {'task': 'detection'}
    #: The config's block `encoding` is given to this data set.
    READS_ENCODING = True

    def __init__(
        self,
        ann_file: str,
        classes: Optional[ClassSource],
        subset: Union[None, str, Sequence[str]] = None,
        unseen: ClassSource = (),
        shared_segments: str = 'keep',
        other_classes: str = 'drop',
        data_prefix: Optional[dict] = None,
        file_names: Optional[dict] = None,
        encoding: Optional[dict] = None,
        streams: Optional[dict] = None,
        fps: Optional[float] = None,
        window: Optional[int] = None,
        window_stride: Optional[int] = None,
        allow_missing: bool = False,
        **kwargs: Any,
    ) -> None:
        for name, value, known in (
            ('shared_segments', shared_segments, ('keep', 'drop')),
            ('other_classes', other_classes, ('raise', 'drop')),
        ):
            if value not in known:
                raise ValueError(f'{name}={value!r} is none of {known}')
        if window is not None and not fps:
            raise ValueError('window needs fps, the rows of features per second')
        root = kwargs.get('data_root') or ''
        if classes is None:
            classes = all_class_names(under_root(root, ann_file))
        self.names = read_class_list(under_root(root, classes))
        self.unseen = read_class_list(under_root(root, unseen)) if len(unseen) else []
        require_disjoint(self.names, self.unseen, str(ann_file))
        self.subset = subset
        self.shared_segments = shared_segments
        self.other_classes = other_classes
        self.file_names = file_names or {}
        self.fps = fps
        self.window = window
        self.window_stride = window_stride or (window and window // 2)
        self.allow_missing = allow_missing
        self.left_out: Dict[str, List[str]] = {}
        self.encoding = None if encoding is None else parse_encoding(encoding)
        if self.encoding is not None:
            streams = self.encoding.stream_settings()
            streams.pop('query', None)  # class names are read by the model
        self._stream_settings = streams or {'video': {}}
        metainfo = dict(classes=[readable_name(name) for name in self.names])
        super().__init__(
            ann_file=ann_file,
            data_prefix=data_prefix or {},
            metainfo={**metainfo, **(kwargs.pop('metainfo', None) or {})},
            **kwargs,
        )

    def _join_prefix(self) -> None:
        """Folders become paths, and streams are built of them."""
        super()._join_prefix()
        self.streams = build_streams(self.data_prefix, self._stream_settings)

    def load_data_list(self) -> List[dict]:
        """Read the annotation file; keep the instances of this set's classes."""
        videos = read_detection_annotations(self.ann_file, self.subset)
        numbers = {name: number for number, name in enumerate(self.names)}
        shared: Counter = Counter()
        samples = []
        for video, entry in videos.items():
            shared.update(shared_names(entry, self.names, self.unseen))
            keep = [
                index
                for index in range(len(entry['names']))
                if self._is_usable(video, entry, index)
            ]
            labels = [numbers[entry['names'][index]] for index in keep]
            samples.append(
                dict(
                    video_id=video,
                    duration=entry['duration'],
                    segments=entry['segments'][keep],
                    labels=np.asarray(labels, dtype=np.int64),
                )
            )
        if self.shared_segments == 'keep':
            warn_of_shared_segments(dict(shared), osp.basename(self.ann_file))
        return samples

    def _is_usable(self, video: str, entry: dict, index: int) -> bool:
        """Whether an instance is one of this data set; notes why not."""
        name, segment = entry['names'][index], entry['segments'][index]
        start, end = segment.tolist()
        detail = f'{video}: {name!r} [{start:g}, {end:g}]'
        if name not in self.names:
            if self.other_classes == 'raise' and name not in self.unseen:
                raise AnnotationError(
                    f'{self.ann_file}: {detail} is of no class of this data set; '
                    "correct `classes`, or set other_classes='drop'"
                )
            kind = 'unseen' if name in self.unseen else 'other'
            self._note(f'instances of {kind} classes', detail)
            return False
        if self.test_mode:
            return True  # what counts is what the evaluator counts
        problem = segment_problem((start, end), entry['duration'])
        if problem:
            self._note('instances that cannot be learned from', f'{detail} {problem}')
            return False
        if end > entry['duration']:
            self._note('instances longer than their video, cut off', detail)
        others = names_by_segment(entry)[(start, end)]
        if self.shared_segments == 'drop' and others.intersection(self.unseen):
            self._note('instances that are unseen ones, too', detail)
            return False
        return True

    def _note(self, reason: str, detail: str) -> None:
        self.left_out.setdefault(reason, []).append(detail)

    def filter_data(self) -> List[dict]:
        """Leave out videos that cannot be used, say so, and cut windows."""
        self._metainfo['features'] = check_streams(self.streams, self.fps or 'auto')
        missing, kept = [], []
        for sample in self.data_list:
            if not len(sample['segments']):
                self._note('videos without instances', sample['video_id'])
                continue
            problem = self._add_paths(sample)
            if problem is None:
                kept += self._windows(sample)
            else:
                missing.append(problem)
                self._note('videos without usable features', problem)
        self._report(kept, missing)
        return kept

    def _add_paths(self, sample: dict) -> Optional[str]:
        """Complete a sample; says which feature file is unusable, if one is."""
        sample['classes'] = self.metainfo['classes']
        sample['video_streams'] = [stream.name for stream in self.streams]
        sample['fps'] = self.fps
        lengths = []
        for stream in self.streams:
            pattern = self.file_names.get(stream.name, '{video_id}.npy')
            path = osp.join(stream.folder, pattern.format(**sample))
            sample[stream.path_key] = path
            problem, length = stream.check_file(path)
            if problem:
                return f'{problem}: {path}'
            lengths.append(length)
        sample['num_rows'] = min(lengths)
        return None

    def _windows(self, sample: dict) -> List[dict]:
        """The sample, or parts of it that have an instance by half at least."""
        size, length = self.window, sample['num_rows']
        if size is None or self.test_mode:
            return [sample]
        parts = []
        for first in window_starts(length, size, self.window_stride):
            start, end = first / self.fps, min(first + size, length) / self.fps
            inside = sample['segments'].clip(start, end)
            share = np.diff(inside)[:, 0] / np.diff(sample['segments'])[:, 0]
            keep = share >= 0.5
            if keep.any():
                part = dict(sample, rows=(first, min(first + size, length)))
                part['segments'] = sample['segments'][keep]
                part['labels'] = sample['labels'][keep]
                parts.append(part)
        return parts

    def _report(self, kept: List[dict], missing: List[str]) -> None:
        name = osp.basename(self.ann_file)
        count = sum(len(sample['segments']) for sample in kept)
        message = (
            f'{name} ({self.subset}): {len(kept)} items with {count} instances of '
            f'{len(self.names)} classes'
        )
        for reason, details in self.left_out.items():
            message += f'\n  {len(details)} x {reason}, first: {details[0]}'
        if not kept or (missing and self.test_mode and not self.allow_missing):
            raise BadSampleError(
                f'{message}\nCorrect classes, subset or data_prefix; '
                'allow_missing=True in the data set evaluates without missing videos'
            )
        MMLogger.get_current_instance().info(message)
