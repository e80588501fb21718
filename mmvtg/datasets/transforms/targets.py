"""From annotations to what losses compare with."""

import math
from typing import Sequence, Union

import numpy as np
from mmcv.transforms import BaseTransform

from mmvtg.registry import TRANSFORMS
from mmvtg.structures import clean_moments

from ..errors import BadSampleError


@TRANSFORMS.register_module()
class CleanMoments(BaseTransform):
    """Make ``moments`` usable for training: inside the features, at least a clip long.

    Only for training pipelines; evaluation takes the annotation as it is.
    """

    def transform(self, results: dict) -> dict:
        fps = results['fps']
        max_time = results['num_clips'] / fps
        results['moments'] = clean_moments(results['moments'], max_time, 1 / fps)
        return results


@TRANSFORMS.register_module()
class SaliencyTarget(BaseTransform):
    """How salient each clip is, in [0, 1], and which clips may serve as positive ones.

    From ``annotator_scores`` if there are any: mean over the annotators, scaled from
    ``score_range`` to [0, 1]. Else 1 inside of the moments and 0 elsewhere: clips
    ceil(start) to ceil(end) - 1. Adds ``saliency`` (T,) float32 and ``positive_clips``
    (M,) int64.

    Args:
        score_range (tuple): Lowest and highest score of the annotation.
        positive_above (float | str): A clip is positive if its saliency is greater; or
            ``'median'`` for the lower median of the video.

    Raises:
        BadSampleError: No clip is positive.
    """

    def __init__(
        self,
        score_range: Sequence[float] = (0, 4),
        positive_above: Union[float, str] = 0.0,
    ) -> None:
        self.score_range = score_range
        self.positive_above = positive_above

    def transform(self, results: dict) -> dict:
        length = results['num_clips']
        if results['annotator_scores'] is not None:
            saliency = self._from_scores(results, length)
        else:
            saliency = self._from_moments(results, length)
        threshold = self.positive_above
        if threshold == 'median':
            threshold = np.sort(saliency)[(length - 1) // 2]
        positive = np.flatnonzero(saliency > threshold)
        if len(positive) == 0 and len(results['moments']):
            # every annotator gave 0 to every clip: all that we know is the moment
            positive = np.flatnonzero(self._from_moments(results, length))
        if len(positive) == 0:
            raise BadSampleError(
                f'query {results["query_id"]} on video {results["video_id"]}: no clip '
                'is salient, so there is nothing to learn from; drop the line'
            )
        results['saliency'] = saliency
        results['positive_clips'] = positive
        return results

    def _from_scores(self, results: dict, length: int) -> np.ndarray:
        low, high = self.score_range
        scores = results['annotator_scores'].mean(axis=1)
        saliency = (scores - low) / (high - low)
        ratio = results['fps'] * results['saliency_clip_length']
        rows = (np.arange(length) / ratio + 1e-6).astype(int)
        inside = rows < len(saliency)
        values = saliency[np.minimum(rows, len(saliency) - 1)]
        return np.where(inside, values, 0).astype(np.float32)

    @staticmethod
    def _from_moments(results: dict, length: int) -> np.ndarray:
        saliency = np.zeros(length, dtype=np.float32)
        for start, end in results['moments'] * results['fps']:
            # 1e-6 of a clip, or 0.3 s * 10 / s would begin at clip 4
            saliency[math.ceil(start - 1e-6) : math.ceil(end - 1e-6)] = 1
        return saliency
