"""Why a sample cannot be used: said before the first one is."""

import os.path as osp
from typing import Dict, Iterator, Optional, Sequence, Tuple

from mmvtg.structures import num_clips

from .annotations import check_window, expected_clips
from .feature_streams import QUERY, FeatureStream

#: Kinds of problems that come from the annotation and not from files.
BAD_WINDOW = 'bad window'


class SampleCheck:
    """Finds the problems of samples; each file is looked at once.

    Args:
        streams (Sequence[FeatureStream]): Stored features that samples need.
        max_length_gap (int): How many clips features and duration may disagree.
        min_duration (float): Shortest usable video, seconds.
        windows (bool): Whether annotated windows must lie inside of the video.
    """

    def __init__(
        self,
        streams: Sequence[FeatureStream],
        max_length_gap: int,
        min_duration: float = 0.0,
        windows: bool = True,
    ) -> None:
        self.streams = streams
        self.max_length_gap = max_length_gap
        self.min_duration = min_duration
        self.windows = windows
        #: address -> (problem, number of clips or tokens)
        self.files: Dict[str, Tuple[Optional[str], int]] = {}

    def problems(self, sample: dict) -> Iterator[Tuple[str, str]]:
        """Yield (kind, detail) of everything that makes a sample unusable."""
        if sample['duration'] < self.min_duration:
            yield f'video shorter than {self.min_duration:g} s', sample['video_id']
        elif num_clips(sample['duration'], sample['fps']) < 1:
            yield 'video shorter than one clip', sample['video_id']
        if self.windows:
            for problem in bad_windows(sample):
                yield BAD_WINDOW, problem
        for stream in self.streams:
            yield from self._file(sample, stream)
        has_features = any(stream.name != QUERY for stream in self.streams)
        if 'video_path' in sample and not has_features:
            path = sample['video_path']
            if not osp.isfile(path) or not osp.getsize(path):
                yield 'missing or empty video file', path

    def _file(self, sample: dict, stream: FeatureStream) -> Iterator[Tuple[str, str]]:
        address = sample[stream.path_key]
        if address not in self.files:
            self.files[address] = stream.check_file(address)
        problem, length = self.files[address]
        if problem:
            yield problem, address
        elif stream.name != QUERY and not stream.resample:
            expected = expected_clips(sample)
            if abs(length - expected) > self.max_length_gap:
                yield (
                    'feature length that disagrees with the duration',
                    f'{address}: {length} clips, but {sample["duration"]:g} s at '
                    f'{sample["fps"]:g} clips per second make {expected}; features '
                    'of another frame rate?',
                )


def bad_windows(sample: dict) -> Iterator[str]:
    """Say which windows of a sample end before they start or leave the video."""
    for index, window in enumerate(sample['moments'].tolist()):
        problem = check_window(window, sample['duration'], 1 / sample['fps'])
        if problem:
            start, end = window
            yield (
                f'{sample["where"]}: relevant_windows[{index}] = '
                f'[{start:g}, {end:g}] {problem}'
            )
