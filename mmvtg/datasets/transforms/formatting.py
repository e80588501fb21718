"""Pack a sample for a model."""

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
    'video_path',
)


@TRANSFORMS.register_module()
class PackGroundingInputs(BaseTransform):
    """``results`` -> ``dict(inputs=dict(video, query), data_samples=...)``.

    Args:
        meta_keys (tuple): Keys that become metainfo, where present.
    """

    def __init__(self, meta_keys: tuple = META_KEYS) -> None:
        self.meta_keys = meta_keys

    def transform(self, results: dict) -> dict:
        metainfo = {key: results[key] for key in self.meta_keys if key in results}
        sample = GroundingDataSample(metainfo=metainfo)
        if results.get('moments') is not None:
            spans = torch.as_tensor(results['moments'], dtype=torch.float32)
            sample.gt_moments = InstanceData(spans=spans.reshape(-1, 2))
        if results.get('saliency') is not None:
            sample.gt_saliency = torch.from_numpy(results['saliency'])
        inputs = {key: results[key] for key in ('video', 'query')}
        return dict(inputs=inputs, data_samples=sample)
