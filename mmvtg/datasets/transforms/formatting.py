"""Pack a sample for a model."""

from typing import Optional

import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData

from mmvtg.registry import TRANSFORMS
from mmvtg.structures import GroundingDataSample

META_KEYS = (
    'video_id',
    'query_id',
    'query',
    'duration',
    'fps',
    'num_clips',
    'annotator_scores',
    'saliency_clip_length',
    'positive_clip',
    'positive_clips',
    'saliency_pairs',
    'static_ids',
    'dynamic_ids',
    'video_path',
)


@TRANSFORMS.register_module()
class PackGroundingInputs(BaseTransform):
    """``results`` -> ``dict(inputs=dict(video, query, ...), data_samples=...)``.

    Args:
        video_key (str): What becomes the video input: ``video_features``, or ``frames``
            for a vision tower that runs online.
        query_key (str): Likewise ``query_features`` or ``token_ids``.
        motion_key (str, optional): What becomes the input ``motion``, one vector a clip
            beside the video: ``motion_features`` of
            ``LoadStoredFeatures(apart=['motion'])``.
        meta_keys (tuple): Keys that become metainfo, where present.
    """

    def __init__(
        self,
        video_key: str = 'video_features',
        query_key: str = 'query_features',
        motion_key: Optional[str] = None,
        meta_keys: tuple = META_KEYS,
    ) -> None:
        self.video_key = video_key
        self.query_key = query_key
        self.motion_key = motion_key
        self.meta_keys = meta_keys

    def transform(self, results: dict) -> dict:
        metainfo = {key: results[key] for key in self.meta_keys if key in results}
        sample = GroundingDataSample(metainfo=metainfo)
        if results.get('moments') is not None:
            spans = torch.as_tensor(results['moments'], dtype=torch.float32)
            sample.gt_moments = InstanceData(spans=spans.reshape(-1, 2))
        if results.get('saliency') is not None:
            sample.gt_saliency = torch.from_numpy(results['saliency'])
        inputs = dict(
            video=torch.as_tensor(results[self.video_key]),
            query=torch.as_tensor(results[self.query_key]),
        )
        if self.motion_key is not None:
            inputs['motion'] = torch.as_tensor(results[self.motion_key])
        return dict(inputs=inputs, data_samples=sample)
