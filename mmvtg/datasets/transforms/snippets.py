"""Stored features of a video -> snippets for temporal action detection."""

from typing import Optional, Sequence

import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData

from mmvtg.registry import TRANSFORMS
from mmvtg.structures import GroundingDataSample

from ..errors import BadSampleError
from ..feature_store import VIDEO_AXES, load_array
from .joining import Groups, change_of, join, normalize, resample_rows


@TRANSFORMS.register_module()
class LoadSnippets(BaseTransform):
    """Features of all streams, rescaled to one length or cut to a window, and joined.

    A stream is read from ``{stream}_feature_path``, unless ``{stream}_features`` (N, C)
    are there already.

    Adds ``snippets`` (T, C) float32 and ``window`` (start, end), s, what they cover.

    Args:
        num_snippets (int, optional): T. Each stream is stretched over the video to so
            many snippets, whatever its rate. None: rows stay as they are; streams must
            have one rate, and the shortest one rules.
        normalize (Sequence): Streams whose rows are divided by their L2 norm.
        change (Sequence[str]): Streams of which :func:`change_of` follows, as channels
            behind all streams: what single frames do not show.
    """

    def __init__(
        self,
        num_snippets: Optional[int] = None,
        normalize: Groups = (),
        change: Sequence[str] = (),
    ) -> None:
        if num_snippets is not None and num_snippets < 2:
            raise ValueError(f'num_snippets is {num_snippets}, want 2 or more')
        self.num_snippets = num_snippets
        self.normalize = normalize
        self.change = change

    def transform(self, results: dict) -> dict:
        label = f'video {results["video_id"]}'
        arrays = {}
        for name in results['video_streams']:
            array = results.get(f'{name}_features')
            if array is None:
                path = results[f'{name}_feature_path']
                array = load_array(path, label, VIDEO_AXES)
            if array.ndim != 2:
                raise BadSampleError(
                    f'{label}: features of shape {array.shape}; detection wants one '
                    'vector a snippet, (T, C): extract without LayerTap'
                )
            arrays[name] = array.astype('float32')
        for name in self.change:
            arrays[f'change of {name}'] = change_of(arrays[name])
        if self.num_snippets is None:
            first, last = results.get('rows') or (0, min(map(len, arrays.values())))
            arrays = {name: array[first:last] for name, array in arrays.items()}
            results['window'] = self._covered(results, first, last)
        else:
            arrays = {
                name: resample_rows(array, self.num_snippets)
                for name, array in arrays.items()
            }
            results['window'] = (0.0, results['duration'])
        arrays = normalize(arrays, self.normalize)
        snippets = join(list(arrays.values()), with_endpoints=False)
        results['snippets'] = torch.from_numpy(snippets.astype('float32', copy=False))
        return results

    @staticmethod
    def _covered(results: dict, first: int, last: int) -> tuple:
        """What rows cover, s; without a rate, all rows cover the video."""
        if results.get('fps'):
            return first / results['fps'], last / results['fps']
        return 0.0, results['duration']


@TRANSFORMS.register_module()
class PackDetectionInputs(BaseTransform):
    """``results`` -> ``dict(inputs=dict(video), data_samples=...)``.

    The sample has, as metainfo, ``video_id, duration, window, classes``, and, where the
    video is annotated, ``gt_moments`` (spans in s, labels).
    """

    def transform(self, results: dict) -> dict:
        keys = ('video_id', 'duration', 'window', 'classes')
        sample = GroundingDataSample(metainfo={key: results[key] for key in keys})
        if 'segments' in results:
            sample.gt_moments = InstanceData(
                spans=torch.as_tensor(results['segments'], dtype=torch.float64),
                labels=torch.as_tensor(results['labels']),
            )
        return dict(inputs=dict(video=results['snippets']), data_samples=sample)
