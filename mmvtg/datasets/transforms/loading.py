"""Load what towers would have said, from files."""

import torch
from mmcv.transforms import BaseTransform

from mmvtg.registry import TRANSFORMS

from ..annotations import expected_clips
from ..errors import BadSampleError
from ..feature_store import MAX_LENGTH_GAP, load_array


@TRANSFORMS.register_module()
class LoadStoredFeatures(BaseTransform):
    """Features of the last layers of both towers, as published or extracted.

    Reads ``video_feature_path`` (T, N, P, C) and ``query_feature_path`` (L, N, C), both
    float16, and adds ``video_features``, ``query_features`` (tensors of the same shape
    and type) and ``num_clips``. Features longer than the annotation are cut to it. The
    data set says in ``max_length_gap`` how many clips both may disagree.

    Args:
        max_clips (int): Longest video that models take, clips.

    Raises:
        BadSampleError: Missing or damaged file, NaN, too long, or a length that
            disagrees with the duration.
    """

    def __init__(self, max_clips: int = 1024) -> None:
        self.max_clips = max_clips

    def transform(self, results: dict) -> dict:
        video_id, query_id = results['video_id'], results['query_id']
        video = load_array(results['video_feature_path'], f'video {video_id}', 4)
        query = load_array(results['query_feature_path'], f'query {query_id}', 3)
        expected = expected_clips(results)
        gap = results.get('max_length_gap', MAX_LENGTH_GAP)
        if abs(len(video) - expected) > gap:
            raise BadSampleError(
                f'video {video_id}: {len(video)} clips of features, but the annotation '
                f'says {expected}; were they made at {results["fps"]:g} clips a second?'
            )
        video = video[: max(expected, 1)]
        if len(video) > self.max_clips:
            raise BadSampleError(
                f'video {video_id} has {len(video)} clips, more than {self.max_clips}'
            )
        results['video_features'] = torch.from_numpy(video)
        results['query_features'] = torch.from_numpy(query)
        results['num_clips'] = len(video)
        return results
