"""Base of the inferencers of video files: towers, and runs that can be resumed."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple

import torch
from mmengine.config import ConfigDict

from mmvtg.datasets.encoding_spec import EncodingSpec, encoding_of, parse_encoding
from mmvtg.datasets.transforms import DrawStoredFrames
from mmvtg.encoding import FeatureCache, SampledFrames, VideoStreams
from mmvtg.encoding.manifest import (
    query_manifest,
    refuse_other_features,
    video_manifest,
)
from mmvtg.encoding.streams import check_towers
from mmvtg.registry import MODELS, TRANSFORMS, is_kind
from mmvtg.video.errors import BadSampleError

from .model_inferencer import ModelInferencer
from .model_loading import sampling_step, test_pipeline
from .predictions import PredictionLog, check_on_error, report_failed


class VideoRequest(NamedTuple):
    """Predictions to make for one video.

    Args:
        path (str): Video file.
        keys (list): One value per prediction, such as its query, that JSON can hold;
            it tells predictions of one video apart.
        predict (callable): () -> samples, one per key; raises BadSampleError.
    """

    path: str
    keys: list
    predict: Callable[[], list]


class VideoInferencer(ModelInferencer):
    """Base of the inferencers that predict video by video.

    See :class:`ModelInferencer` for arguments and errors.
    """

    _settings: dict[str, Any]
    _check_video: Callable[[str], Any]

    @cached_property
    def encoding(self) -> EncodingSpec:
        """The config's block ``encoding``, without streams if there is no block.

        Raises:
            ValueError: If a field is unknown.
        """
        return parse_encoding(encoding_of(self.cfg) or {})

    def _build_tower(self, config: Any) -> Any:
        """Build a tower for inference, on the model's device."""
        return MODELS.build(ConfigDict(config)).to(self.device).eval()

    def _resolve_fps(self, fps: float | None) -> float:
        """Return the given clip rate, or else the config's.

        Raises:
            ValueError: If a tower is missing, or the rate is not a positive number.
        """
        check_towers(self.encoding)  # Missing towers matter more than a missing rate.
        rate: Any = self.encoding.fps if fps is None else fps
        if rate in (None, 'auto'):
            raise ValueError(
                f'encoding.fps of the config is {rate!r}: give fps, clips per second'
            )
        if not rate > 0:
            raise ValueError(f'fps must be a positive number of clips, got {rate}')
        return float(rate)

    def _open_streams(
        self, fps: float | None, window: float, overlap: float, cache_bytes: int
    ) -> VideoStreams:
        """Build the towers of a model that reads windows of features."""
        rate, cache = self._resolve_fps(fps), FeatureCache(cache_bytes)
        self._settings = dict(fps=rate, window=window, overlap=overlap)
        streams = VideoStreams(
            self.encoding, self._build_tower, rate, cache, window, overlap, self.decode
        )
        self._check_video = streams.check
        return streams

    def _open_frames(self, fps: float | None) -> SampledFrames:
        """Build the sampling of the test pipeline, and the tower if it needs one."""
        step = sampling_step(self.cfg)
        stored = is_kind(step, DrawStoredFrames, TRANSFORMS)
        rate = self._resolve_fps(fps) if stored else None
        frames = SampledFrames(
            step, self.encoding, self._build_tower, rate, self.decode
        )
        self._check_video = frames.check
        return frames

    def _check_features(
        self, streams: VideoStreams, fps: float | None, text_tower: Any = None
    ) -> None:
        """Compare towers with the features that the checkpoint was trained on.

        Args:
            streams (VideoStreams): Vision towers.
            fps (float | None): Clip rate of the user, which may differ from that of the
                training; None for the rate of the config.
            text_tower (nn.Module, optional): Tower of queries.

        Raises:
            ValueError: If they differ; the message has both descriptions.
        """
        rows = torch.zeros(1, 1)
        for name, manifest in self._trained_on.items():
            if name == 'query' and text_tower is not None:
                own = query_manifest(text_tower, rows)
            elif name in streams.towers:
                stream = self.encoding.streams[name]
                rate = stream.fps or ('auto' if fps else streams.fps)
                tower, source = streams.towers[name], stream.source(None)
                own = video_manifest(tower, rows, source, rate)
            else:
                continue
            refuse_other_features(name, manifest, own)

    def _run(
        self,
        requests: Sequence[VideoRequest],
        on_error: str,
        return_datasamples: bool,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Predict video by video, store each result, and skip unreadable videos.

        Args:
            requests (Sequence[VideoRequest]): Requests in the order of the results.
            on_error (str): ``'skip'`` or ``'raise'``.
            return_datasamples (bool): Return samples instead of dicts.
            **kwargs: Arguments of :meth:`visualize` and :meth:`postprocess`.
        """
        _, _, drawing, writing = self._dispatch_kwargs(**kwargs)
        check_on_error(on_error)
        if on_error == 'raise':
            for request in requests:
                self._check_video(request.path)
        folder = drawing.get('out_dir')
        log = PredictionLog(folder, self.identity()) if folder else None
        preds: list[Any] = []
        visualization: list[str] = []
        failed: dict[str, str] = {}
        end = 0
        for path, values, predict in requests:
            start, end = end, end + len(values)
            if path in failed:
                continue
            keys = log.keys(path, values) if log else []
            records = log.find(keys) if log else None
            try:
                if records is None:
                    samples = predict()
                else:
                    samples = [
                        self.restore({**record, 'video': path}, index)
                        for index, record in enumerate(records, start)
                    ]
            except BadSampleError as error:
                if on_error == 'raise':
                    raise
                failed[path] = str(error)
                continue
            numbers = map(log.number, keys) if log else count(start)
            for sample, number in zip(samples, numbers):
                sample.set_metainfo(dict(number=number, restored=records is not None))
            preds += samples
            visualization += self.visualize([path], samples, **drawing)
            if log and records is None:
                log.append(keys, [self.pred2dict(sample) for sample in samples])
        report_failed(failed, len({request.path for request in requests}))
        results = self.postprocess(preds, visualization, return_datasamples, **writing)
        return dict(results, failed=failed)

    def identity(self) -> str:
        """Return a hash of the model, its config and its settings."""
        parts = [self.cfg.get('model'), self.cfg.get('encoding')]
        parts += [test_pipeline(self.cfg), sorted(self._settings.items())]
        digest = hashlib.sha256(repr(parts).encode())
        for name, value in self.model.state_dict().items():
            digest.update(name.encode())
            data = value.detach().cpu().reshape(-1).view(torch.uint8)
            digest.update(data.numpy())
        return digest.hexdigest()

    @staticmethod
    def restore(record: dict[str, Any], index: int) -> Any:
        """Return the sample of a prediction that an earlier run wrote.

        Args:
            record (dict): Prediction, see :meth:`pred2dict`.
            index (int): Index of the prediction in this call.
        """
        raise NotImplementedError
