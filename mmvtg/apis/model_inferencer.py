"""What all inferencers share: a model by its name, its weights, its towers."""

import hashlib
import os.path as osp
from collections.abc import Callable, Sequence
from typing import Any, Dict, List, Optional, Tuple, Type, Union

import mmengine
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch import nn

from mmvtg.datasets.encoding_spec import EncodingSpec, encoding_of, parse_encoding
from mmvtg.encoding import SampledFrames
from mmvtg.encoding.manifest import (
    query_manifest,
    refuse_other_features,
    video_manifest,
)
from mmvtg.encoding.streams import check_towers
from mmvtg.engine.checkpoint import features_record
from mmvtg.registry import MODELS
from mmvtg.video.decoding import decode_ahead
from mmvtg.video.errors import BadSampleError
from mmvtg.video.processes import DecodingProcess

from .metafiles import get_model, is_published, list_models
from .model_loading import (
    check_device,
    check_weights,
    find_model,
    sampling_step,
)
from .model_zoo import download
from .predictions import PredictionLog, check_on_error, report_failed

#: Models, also their subclasses -> (what they do, who asks them).
TASKS: Dict[str, Tuple[str, str]] = {
    'VideoGrounder': ('finds moments of sentences', 'VTGInferencer'),
    'TemporalActionDetector': ('detects actions', 'ActionDetectionInferencer'),
    'ActionRecognizer': ('recognises actions', 'ActionRecognitionInferencer'),
    'VideoTextRetriever': ('retrieves videos', 'VideoRetrievalInferencer'),
}


class ModelInferencer(BaseInferencer):
    """Base of the inferencers: finds config and weights, and builds the model.

    A model of another task, weights of another model and a device that is not there are
    refused. A model of which nothing is learned (prompts written by hand over CLIP)
    needs no weights.

    Args:
        model (str | Config, optional): Config file, name of a model in a metafile
            (``NAME@RELEASE`` for a checkpoint of its authors), or config. Default is
            the config inside of ``weights``.
        weights (str, optional): Checkpoint; default is what the model zoo has for the
            name, downloaded if need be. ``'random'``: random ones, for tests.
        device (str, optional): Default is an accelerator if there is one.
        scope (str): Of mmengine.
        show_progress (bool): Show a bar for each video.
        isolated (bool): Decode in another process, which is killed if a video gets
            stuck, instead of in a thread.

    Raises:
        DownloadError: The weights of the model zoo cannot be had.
        FileNotFoundError: No such config or checkpoint.
        ValueError: See above; or an unknown name, or no weights.
    """

    #: Key of :data:`TASKS`. Models of none of them are asked by ``VTGInferencer``.
    asks: str = 'VideoGrounder'
    preprocess_kwargs: set = set()
    forward_kwargs: set = set()
    visualize_kwargs: set = set()
    postprocess_kwargs: set = {'pred_out_file'}

    def __init__(
        self,
        model: Union[str, Config, dict, None] = None,
        weights: Optional[str] = None,
        device: Optional[str] = None,
        scope: str = 'mmvtg',
        show_progress: bool = False,
        isolated: bool = False,
    ) -> None:
        self.decode = DecodingProcess().decode if isolated else decode_ahead
        self._settings: Dict[str, Any] = {}
        self._trained_on: Dict[str, dict] = {}
        self._what, name = model if isinstance(model, str) else 'the config', None
        if isinstance(model, str):
            model, name = find_model(model)
        if model is None and weights in (None, 'random'):
            raise ValueError('give a model, or weights with a config in them')
        # mmengine builds in the scope of the process, which may be none or another
        with DefaultScope.overwrite_default_scope(scope):
            if model is not None:
                config: Any = model
                self._check_task(MODELS.get(config['model']['type']))
            if name and not weights and is_published(name):
                weights = download(name, progress=show_progress)
                _say_what_it_knows(name)
            self._random = weights == 'random'
            weights = None if self._random else weights
            if weights is not None and osp.isfile(osp.expanduser(weights)):
                self._trained_on = features_record(weights)
            device = None if device is None else check_device(device)
            super().__init__(model, weights, device, scope, show_progress)
        self.device = next(self.model.parameters()).device

    list_models = staticmethod(list_models)

    def _check_task(self, kind: Optional[Type[nn.Module]]) -> None:
        """Refuse a model that another inferencer asks.

        Raises:
            ValueError: It names that one.
        """
        task = _task_of(kind) if kind else self.asks
        if task == self.asks or (task is None and self.asks == 'VideoGrounder'):
            return
        kind_name = getattr(kind, '__name__', None)
        own = f'{type(self).__name__} asks one that {TASKS[self.asks][0]}'
        if task is None:
            raise ValueError(f'{self._what} is a {kind_name}; {own} ({self.asks})')
        what, asker = TASKS[task]
        raise ValueError(
            f'{self._what} is a model that {what} ({kind_name}), and {own}: use '
            f'mmvtg.apis.{asker}'
        )

    @property
    def encoding(self) -> EncodingSpec:
        """The config's block ``encoding``.

        Raises:
            ValueError: If there is none, or a field of it is unknown.
        """
        block = encoding_of(self.cfg)
        if block is None:
            raise ValueError(
                'the config has no block `encoding`, so it does not say which towers '
                'make its features; see configs/_base_/features'
            )
        return parse_encoding(block)

    def _resolve_fps(self, fps: float | None) -> float:
        """Return the given clip rate, or else the config's.

        Raises:
            ValueError: If neither is a positive number.
        """
        check_towers(self.encoding)  # what is missing there matters more than a rate
        rate: Any = self.encoding.fps if fps is None else fps
        if rate in (None, 'auto'):
            raise ValueError(
                f'encoding.fps of the config is {rate!r}: give fps, clips per second'
            )
        if not rate > 0:
            raise ValueError(f'fps must be a positive number of clips, got {rate}')
        return float(rate)

    def _sampled_frames(self, fps: Optional[float]) -> SampledFrames:
        """Build what samples frames of videos as the test pipeline does."""
        step = sampling_step(self.cfg)
        stored = step['type'] == 'DrawStoredFrames'
        frames = SampledFrames(
            step,
            self.encoding if stored else None,
            self._build_tower,
            self._resolve_fps(fps) if stored else None,
            self.decode,
        )
        if stored:
            (name,) = self.encoding.streams
            towers = dict.fromkeys([name, 'feature'], frames.towers['video'])
            self._check_features(towers, None, 'auto' if fps else frames.source.fps)
        self._settings.update(fps=frames.source.fps)
        return frames

    def _check_features(
        self, towers: Dict[str, Any], text_tower: Any, fps: Union[float, str, None]
    ) -> None:
        """Compare towers with the features that the checkpoint was trained on.

        Args:
            towers (dict): Stream -> vision tower.
            text_tower (nn.Module, optional): Encoder of queries.
            fps (float | str): Clips per second; ``'auto'``: any, the user chose it.

        Raises:
            ValueError: If they differ; both descriptions are in the message.
        """
        for name, manifest in self._trained_on.items():
            if name == 'query':
                if text_tower is not None:
                    own = query_manifest(text_tower, torch.zeros(1, 1))
                    refuse_other_features(name, manifest, own)
            elif name in towers:
                streams = self.encoding.streams
                stream = streams.get(name) or next(iter(streams.values()))
                own = video_manifest(
                    towers[name],
                    torch.zeros(1, 1),
                    stream.source(None),
                    stream.fps or fps or 'auto',
                )
                refuse_other_features(name, manifest, own)

    def _build_tower(self, config: Any) -> Any:
        """Build a tower for inference, on the model's device."""
        return MODELS.build(ConfigDict(config)).to(self.device).eval()

    def _run(
        self,
        inputs: Sequence[Any],
        path_of: Callable[[Any], str],
        asked: Callable[[Any], list],
        predict: Callable[[Any], list],
        check: Callable[[str], Any],
        on_error: str,
        return_datasamples: bool,
        visualize_kwargs: Dict[str, Any],
        postprocess_kwargs: Dict[str, Any],
    ) -> Dict[str, Any]:
        """Predict video by video, write what is done, and skip what cannot be read.

        Args:
            inputs (Sequence): One per video.
            path_of (callable): Input -> video file.
            asked (callable): Input -> what each of its predictions is for, as values
                that JSON can hold.
            predict (callable): Input -> samples of its predictions.
            check (callable): Opens a video; raises BadSampleError.
            on_error (str): ``'skip'`` or ``'raise'``.
            return_datasamples (bool): Return samples instead of dicts.
            visualize_kwargs (dict): Arguments of :meth:`visualize`.
            postprocess_kwargs (dict): Arguments of :meth:`postprocess`.
        """
        check_on_error(on_error)
        if on_error == 'raise':
            for one in inputs:
                check(path_of(one))
        folder = visualize_kwargs.get('out_dir')
        log = PredictionLog(folder, self._identity()) if folder else None
        preds: List[Any] = []
        visualization: List[str] = []
        failed: Dict[str, str] = {}
        for one in inputs:
            path = path_of(one)
            keys = [log.key(path, what) for what in asked(one)] if log else []
            earlier = log.find(keys) if log else None
            try:
                if earlier is not None:
                    first = len(preds)
                    samples = [
                        self.restore(record, first + i)
                        for i, record in enumerate(earlier)
                    ]
                else:
                    samples = predict(one)
            except BadSampleError as error:
                if on_error == 'raise':
                    raise
                failed[path] = str(error)
                continue
            for number, sample in enumerate(samples, len(preds)):
                sample.set_metainfo(dict(number=number))
            preds += samples
            visualization += self.visualize([one], samples, **visualize_kwargs)
            if log and earlier is None:
                log.append(keys, [self.plain(sample) for sample in samples])
        report_failed(failed, len(inputs))
        results = self.postprocess(
            preds, visualization, return_datasamples, **postprocess_kwargs
        )
        return dict(results, failed=failed)

    def _identity(self) -> str:
        """Return the identity of the model and its settings, for resumed runs."""
        digest = hashlib.sha256(repr(sorted(self._settings.items())).encode())
        digest.update(repr(self.cfg.get('encoding')).encode())
        for name, value in self.model.state_dict().items():
            digest.update(name.encode())
            digest.update(value.detach().float().cpu().numpy().tobytes())
        return digest.hexdigest()

    @staticmethod
    def restore(record: Dict[str, Any], number: int) -> Any:
        """Return the sample of a prediction that an earlier run wrote."""
        raise NotImplementedError

    def _init_collate(self, cfg: ConfigDict) -> Any:
        return pseudo_collate

    def _init_visualizer(self, cfg: ConfigDict) -> Any:
        return None

    def _init_pipeline(self, cfg: ConfigDict) -> Any:
        return None

    def visualize(self, *args: Any, **kwargs: Any) -> List[str]:
        """Nothing, unless a subclass draws."""
        return []

    def postprocess(
        self,
        preds: List[Any],
        visualization: List[str],
        return_datasamples: bool = False,
        pred_out_file: str = '',
    ) -> Dict[str, list]:
        """Turn samples into plain values, and write them if asked."""
        plain = [self.plain(sample) for sample in preds]
        if pred_out_file:
            mmengine.dump(plain, pred_out_file, indent=1)
        predictions = preds if return_datasamples else plain
        return dict(predictions=predictions, visualization=visualization)

    @staticmethod
    def plain(sample: Any) -> Dict[str, Any]:
        """What JSON can say of an answer."""
        raise NotImplementedError

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: Optional[dict], cfg: Optional[ConfigDict]
    ) -> None:
        """As mmengine; weights of another model, or none of learned parts: errors."""
        self._check_task(type(model))
        if checkpoint is not None:
            check_weights(model, checkpoint.get('state_dict', checkpoint))
            super()._load_weights_to_model(model, checkpoint, cfg)
            return
        learns = any(value.requires_grad for value in model.parameters())
        if learns and not self._random:
            raise ValueError(
                f'{self._what} has no published weights: give a checkpoint '
                "(tools/train.py makes one), or 'random' for random ones, whose "
                'answers mean nothing'
            )
        if learns:
            MMLogger.get_current_instance().warning(
                'random weights: the answers mean nothing'
            )


def asker_of(cfg: Union[Config, ConfigDict]) -> Optional[str]:
    """Name of the inferencer that asks the model of a config; None: none is known."""
    task = _task_of(MODELS.get(cfg['model']['type']))
    return task and TASKS[task][1]


def _task_of(kind: Optional[type]) -> Optional[str]:
    """Key of :data:`TASKS`."""
    bases = [base.__name__ for base in kind.__mro__] if kind else []
    return next((base for base in bases if base in TASKS), None)


def _say_what_it_knows(name: str) -> None:
    """A model answers about any video, so whoever asks should know what it has seen."""
    data = get_model(name).metadata.get('Training Data')
    if data:
        MMLogger.get_current_instance().info(f'{name} was trained on {data}')
