"""What all inferencers share: a model by its name, its weights, its towers."""

from typing import Any, Dict, List, Optional, Tuple, Type, Union

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch import nn

from mmvtg.registry import MODELS

from .metafiles import get_model, is_published, list_models
from .model_loading import check_device, check_weights, find_model
from .model_zoo import download

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
    ) -> None:
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

    def _extractor(self) -> ConfigDict:
        """The config's ``feature_extractor``.

        Raises:
            ValueError: It has none.
        """
        extractor = self.cfg.get('feature_extractor')
        if extractor is None:
            raise ValueError(
                'the config has no feature_extractor, so it does not say which towers '
                'its features come from; add one (configs/_base_/models/clip_b32_k4.py)'
            )
        return extractor

    def _build_tower(self, config: ConfigDict) -> Any:
        """A tower for inference, on the model's device."""
        return MODELS.build(config).to(self.device).eval()

    def _vision_tower(self) -> Any:
        """That of the config's ``feature_extractor``."""
        return self._build_tower(self._extractor().vision_tower)

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
