"""Load features from packs without copies, from the page cache, memory or a GPU."""

from typing import Optional, Tuple

import torch
from mmcv.transforms import BaseTransform
from torch import Tensor
from torch.utils.data import get_worker_info

from mmvtg.registry import TRANSFORMS

from ..annotations import expected_clips
from ..errors import BadSampleError
from ..feature_store import MAX_LENGTH_GAP
from ..pack_lookup import find_packed
from .joining import lift


@TRANSFORMS.register_module()
class LoadPackedFeatures(BaseTransform):
    """One video stream and the query from packs, as views of the store.

    Reads and adds what :class:`LoadStoredFeatures` does, for data sets whose
    ``data_prefix`` folders are packs. That transform reads packs as well, joins streams
    and normalises; this one keeps the type of the store (bfloat16, too) and its device.

    Args:
        preload (str, optional): ``'ram'``: read a pack whole when it is first needed;
            ``'cuda'``: and keep it on the GPU. Both want ``num_workers=0``, as a sample
            costs less than handing it from one process to another. Default: map the
            file.
        max_clips (int): Longest video that models take, clips.

    Raises:
        BadSampleError: No such item, too long, or a length that disagrees with the
            duration.
        RuntimeError: ``preload`` in a worker process of a data loader.
    """

    def __init__(self, preload: Optional[str] = None, max_clips: int = 1024) -> None:
        self.preload = preload
        self.max_clips = max_clips

    def transform(self, results: dict) -> dict:
        if self.preload is not None and get_worker_info() is not None:
            raise RuntimeError(
                f'LoadPackedFeatures(preload={self.preload!r}) in a worker process: '
                'each would load the whole pack. Set num_workers=0 and '
                'persistent_workers=False of the data loader'
            )
        if 'video_arrays' in results:  # of a raw video
            (video,) = results.pop('video_arrays').values()
            results['video_features'] = lift(torch.from_numpy(video), 4)
            query = torch.from_numpy(results.pop('query_array'))
            results['query_features'] = lift(query, 3)
            results['num_clips'] = len(video)
            return results
        video, folder = self._find(results['video_feature_path'])
        expected = expected_clips(results)
        if abs(len(video) - expected) > results.get('max_length_gap', MAX_LENGTH_GAP):
            raise BadSampleError(
                f'video {results["video_id"]}: {len(video)} clips of features in '
                f'{folder}, but the annotation says {expected}; were they made at '
                f'{results["fps"]:g} clips a second?'
            )
        video = video[: max(expected, 1)]
        if len(video) > self.max_clips:
            raise BadSampleError(
                f'video {results["video_id"]} has {len(video)} clips, more than '
                f'{self.max_clips}'
            )
        query, _ = self._find(results['query_feature_path'])
        results['video_features'] = lift(video, 4)
        results['query_features'] = lift(query, 3)
        results['num_clips'] = len(video)
        return results

    def _find(self, path: str) -> Tuple[Tensor, str]:
        item = find_packed(path, self.preload)
        if item is None:
            raise BadSampleError(
                f'{path} is in no pack; make it with tools/extract_features.py, or '
                'import a folder with tools/dataset_converters/feature_pack.py'
            )
        return item.pack[item.name], item.pack.folder
