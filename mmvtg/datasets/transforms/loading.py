"""Load what towers would have said, from files."""

from typing import Any, Dict, Optional, Sequence, Tuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmvtg.registry import TRANSFORMS

from ..annotations import expected_clips
from ..array_files import map_array, read_array
from ..encoding_spec import EncodingSpec
from ..errors import BadSampleError
from ..feature_store import MAX_LENGTH_GAP, QUERY_AXES, VIDEO_AXES, load_array
from .joining import Groups, align, join, lift, normalize


@TRANSFORMS.register_module()
class LoadStoredFeatures(BaseTransform):
    """Features of both towers, as published or extracted, joined if there are several.

    Reads the streams that the data set names in ``video_streams`` (default: ``video``)
    from ``{stream}_feature_path``, (T, N, P, C) or (T, C), and ``query_feature_path``,
    (L, N, C) or (L, C), if the data set has a folder of queries. Adds
    ``video_features`` (T, N, P, C), ``query_features`` (L, N, C) and ``num_clips``; one
    vector a clip is one layer of one token. A single
    stream that is not normalised keeps its type (float16).

    The joining options of the data set's ``encoding`` (:class:`EncodingSpec`) take the
    place of the arguments that can be given here. A sample of a raw video brings
    ``video_arrays`` and ``query_array`` instead of paths, as a store would hold them.

    Streams named in ``apart`` have as many clips as the others and are not joined: each
    is added as ``{stream}_features`` (T, C).

    Lengths follow three rules. A stream may have up to ``max_length_gap`` clips more or
    less than the annotation says. The shortest stream rules, and what is longer than
    the annotation is cut off. Streams that the data set calls ``resampled`` have a rate
    of their own and are stretched linearly to the length of the others.

    Args:
        normalize (Sequence): Streams whose rows are divided by their L2 norm in
            float32, before they are joined; ``'query'`` is one. Those grouped in a
            tuple share a norm: ``['clip', ('rgb', 'opt'), 'query']``.
        temporal_endpoints (bool): Append start and end of each clip, as shares of the
            video, to its channels.
        max_clips (int): Longest video that models take, clips.
        cut_clips (int, optional): Keep only the first so many clips of a video.
        max_words (int, optional): Keep only the first so many tokens of a query.
        num_layers (int, optional): Keep only the last so many stored layers of both
            towers.
        class_token (bool): Of a frame's tokens keep the first alone.
        apart (Sequence[str]): Streams of one vector a clip that stay on their own, such
            as ``motion``.

    Raises:
        BadSampleError: Missing or damaged file, NaN, too long, streams that do not fit
            each other, or a length that disagrees with the duration.
    """

    def __init__(
        self,
        normalize: Groups = (),
        temporal_endpoints: bool = False,
        max_clips: int = 1024,
        cut_clips: Optional[int] = None,
        max_words: Optional[int] = None,
        num_layers: Optional[int] = None,
        class_token: bool = False,
        apart: Sequence[str] = (),
    ) -> None:
        self.max_clips = max_clips
        self.cut_clips = cut_clips
        joining = (
            normalize,
            temporal_endpoints,
            max_words,
            num_layers,
            class_token,
            apart,
        )
        self._own_joining = any(joining)
        self._configure(*joining)
        self._encoding: Optional[EncodingSpec] = None
        # queries of a video come one after the other (VideoGroupSampler, test sets)
        self._last: Tuple[Any, Dict[str, np.ndarray]] = (None, {})

    def _configure(
        self,
        normalize: Groups,
        temporal_endpoints: bool,
        max_words: Optional[int],
        num_layers: Optional[int],
        class_token: bool,
        apart: Sequence[str],
    ) -> None:
        self.normalize = [
            group if isinstance(group, str) else tuple(group) for group in normalize
        ]
        self.temporal_endpoints = temporal_endpoints
        self.max_words = max_words
        self.apart = tuple(apart)
        self.layers = slice(None if num_layers is None else -num_layers, None)
        self.tokens = slice(1 if class_token else None)
        # who wants all of a file reads it faster than page by page
        self._read = map_array if num_layers or class_token else read_array

    def transform(self, results: dict) -> dict:
        encoding = results.get('encoding')
        if encoding is not None and encoding is not self._encoding:
            if self._own_joining:
                raise ValueError(
                    'LoadStoredFeatures has options for joining features, and the '
                    'config has a block `encoding` that says the same: set them in '
                    'encoding (normalize, num_layers, ... of its streams, '
                    'temporal_endpoints, query.max_words)'
                )
            self._configure(**encoding.loader())
            self._encoding = encoding
        arrays = self._load_video(results)
        for name, array in arrays.items():
            results[f'{name}_features'] = torch.from_numpy(array)
        if 'query_feature_path' in results or 'query_array' in results:
            query = self._load_query(results)
            results['query_features'] = torch.from_numpy(query)
        results['num_clips'] = len(arrays['video'])
        return results

    def _load_video(self, results: dict) -> Dict[str, np.ndarray]:
        """Return ``video``, all streams in one, and those that stay apart."""
        given = results.pop('video_arrays', None)
        if given is not None:
            arrays = {name: self._wanted(array) for name, array in given.items()}
            return self._join(results, arrays)
        streams = results.get('video_streams', ('video',))
        paths = [results[f'{name}_feature_path'] for name in streams]
        source = (*paths, results['duration'], results['fps'])
        if source != self._last[0]:
            self._last = (source, self._join(results, self._load_streams(results)))
        return self._last[1]

    def _load_streams(self, results: dict) -> Dict[str, np.ndarray]:
        """Stream -> (T_s, N, P, C_s), of lengths that the annotation allows."""
        expected = expected_clips(results)
        gap = results.get('max_length_gap', MAX_LENGTH_GAP)
        arrays = {}
        for name in results.get('video_streams', ('video',)):
            label = f'video {results["video_id"]}'
            path = results[f'{name}_feature_path']
            array = load_array(path, label, VIDEO_AXES, self._read, self._wanted)
            off = abs(len(array) - expected) > gap
            if off and name not in results.get('resampled', ()):
                raise BadSampleError(
                    f'{label}: {len(array)} clips of features in {path}, but the '
                    f'annotation says {expected}; were they made at '
                    f'{results["fps"]:g} clips a second?'
                )
            arrays[name] = array
        return arrays

    def _wanted(self, array: np.ndarray) -> np.ndarray:
        """(T, N, P, C) of a stored array, layers and tokens that models look at."""
        return lift(array, 4)[:, self.layers, self.tokens]

    def _join(
        self, results: dict, arrays: Dict[str, np.ndarray]
    ) -> Dict[str, np.ndarray]:
        """``video``, all streams in one, and those that stay apart."""
        arrays = align(arrays, expected_clips(results), results.get('resampled', ()))
        arrays = {name: array[: self.cut_clips] for name, array in arrays.items()}
        length = len(next(iter(arrays.values())))
        if length > self.max_clips:
            raise BadSampleError(
                f'video {results["video_id"]} has {length} clips, more than '
                f'{self.max_clips}'
            )
        groups = [group for group in self.normalize if group != 'query']
        self._check_names('normalize', groups, arrays)
        self._check_names('apart', self.apart, arrays)
        arrays = normalize(arrays, groups)
        alone = {name: self._vectors(name, arrays.pop(name)) for name in self.apart}
        if not arrays:
            raise ValueError('LoadStoredFeatures: all streams are apart, none is left')
        shapes = {name: array.shape[1:-1] for name, array in arrays.items()}
        if len(set(shapes.values())) > 1:
            raise BadSampleError(
                f'video {results["video_id"]}: streams of different (layers, patches) '
                f'cannot be joined: {shapes}'
            )
        video = join(list(arrays.values()), self.temporal_endpoints)
        return dict(video=video, **alone)

    @staticmethod
    def _vectors(name: str, array: np.ndarray) -> np.ndarray:
        """(T, 1, 1, C) to (T, C)."""
        if array.shape[1:3] != (1, 1):
            raise ValueError(
                f'LoadStoredFeatures: stream {name!r} of `apart` has (layers, tokens) '
                f'{array.shape[1:3]}, want one vector a clip'
            )
        return array[:, 0, 0]

    def _load_query(self, results: dict) -> np.ndarray:
        array = results.pop('query_array', None)
        if array is None:
            label = f'query {results["query_id"]}'
            array = load_array(results['query_feature_path'], label, QUERY_AXES)
        array = lift(array[: self.max_words], 3)[:, self.layers]
        if 'query' in self.normalize:
            array = normalize(dict(query=array), ['query'])['query']
        return array

    @staticmethod
    def _check_names(
        option: str, groups: Groups, arrays: Dict[str, np.ndarray]
    ) -> None:
        names = [
            name
            for group in groups
            for name in ([group] if isinstance(group, str) else group)
        ]
        unknown = [name for name in names if name not in arrays]
        if unknown:
            raise ValueError(
                f'LoadStoredFeatures: {option} names {unknown}, but the data set has '
                f'the streams {list(arrays)}'
            )
