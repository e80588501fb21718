"""Base of all inferencers: a model by its name, and its weights."""

import os.path as osp
import weakref
from typing import Any, TypeAlias

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch import nn

from mmvtg.engine.loading import features_record, stored_config
from mmvtg.registry import MODELS, TRANSFORMS, resolve
from mmvtg.utils.config_types import plain_types
from mmvtg.utils.state_dicts import check_weights
from mmvtg.video.decoding import Decode, decode_ahead
from mmvtg.video.processes import DecodingProcess

from .metafiles import get_model, is_published, list_models
from .model_loading import check_device, find_model, test_pipeline
from .model_zoo import download
from .tasks import TASKS, task_of

#: A config file, the name of a model, or a config.
Model: TypeAlias = str | Config | dict | None


class ModelInferencer(BaseInferencer):
    """Base of the inferencers: finds config and weights, and builds the model.

    A model without learned parameters (handwritten prompts over CLIP) needs no weights.

    Args:
        model (str | Config, optional): Config file, name of a model in a metafile
            (``NAME@RELEASE`` for a checkpoint of its authors), or config. Default is
            the config inside ``weights``.
        weights (str, optional): Checkpoint; default is the one in the model zoo,
            downloaded if need be. ``'random'``: random weights, for tests.
        device (str, optional): Default is an accelerator if there is one.
        scope (str): Scope of mmengine's registries.
        show_progress (bool): Show a progress bar for each video.
        isolated (bool): Decode in another process, which is killed if a video gets
            stuck, instead of in a thread.

    Raises:
        DownloadError: If weights of the model zoo cannot be downloaded.
        FileNotFoundError: If the config or checkpoint does not exist.
        ValueError: If ``model`` is unknown or has another task, ``weights`` are missing
            or belong to another model, or ``device`` cannot be used.
    """

    #: Key of :data:`TASKS`; unknown models count as a ``VideoGrounder``.
    task = 'VideoGrounder'
    preprocess_kwargs: set = set()
    forward_kwargs: set = set()
    visualize_kwargs: set = set()
    postprocess_kwargs: set = {'pred_out_file'}

    def __init__(
        self,
        model: Model = None,
        weights: str | None = None,
        device: str | None = None,
        scope: str = 'mmvtg',
        show_progress: bool = False,
        isolated: bool = False,
    ) -> None:
        self.decode: Decode = decode_ahead
        if isolated:
            process = DecodingProcess()
            self.decode = process.decode
            weakref.finalize(self, process.stop)
        self._trained_on: dict[str, dict] = {}
        self._what, name = 'the config', None
        if isinstance(model, str):
            self._what = model
            model, name = find_model(model)
        if model is None and weights in (None, 'random'):
            raise ValueError('give a model, or weights with a config in them')
        if model is None and weights is not None:
            model = stored_config(weights)  # mmengine would run its text
        # mmengine builds in the scope of the process, which may be none or another
        with DefaultScope.overwrite_default_scope(scope):
            if model is not None:
                config: Any = model
                self._check_task(resolve(config['model']['type'], MODELS))
            if name and not weights and is_published(name):
                weights = download(name, progress=show_progress)
                _log_training_data(name)
            self._random = weights == 'random'
            weights = None if self._random else weights
            if weights is not None and osp.isfile(osp.expanduser(weights)):
                self._trained_on = features_record(weights)
            device = None if device is None else check_device(device)
            super().__init__(model, weights, device, scope, show_progress)
        self.device = next(self.model.parameters()).device

    list_models = staticmethod(list_models)

    def _check_task(self, kind: type | None) -> None:
        """Refuse a model of another task; the message names the right inferencer."""
        task = task_of(kind) or 'VideoGrounder'
        if kind is None or task == self.task:
            return
        needs = f'{type(self).__name__} needs a model that {TASKS[self.task][0]}'
        if task_of(kind) is None:
            raise ValueError(f'{self._what} is a {kind.__name__}; {needs}')
        does, right = TASKS[task]
        raise ValueError(
            f'{self._what} is a model that {does} ({kind.__name__}), and {needs}: use '
            f'mmvtg.apis.{right}'
        )

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: dict | None, cfg: ConfigDict | None
    ) -> None:
        """Load weights; refuse those of another model, and their absence."""
        self._check_task(type(model))
        if checkpoint is not None:
            check_weights(model, checkpoint.get('state_dict', checkpoint))
            super()._load_weights_to_model(model, checkpoint, cfg)
            return
        learns = any(value.requires_grad for value in model.parameters())
        if learns and not self._random:
            raise ValueError(
                f'{self._what} has no published weights: give a checkpoint '
                "(tools/train.py makes one), or 'random' for random weights, whose "
                'predictions are meaningless'
            )
        if learns:
            MMLogger.get_current_instance().warning(
                'The model has random weights; its predictions are meaningless.'
            )

    def _init_pipeline(self, cfg: ConfigDict) -> Compose:
        """Build the steps of the config's test pipeline that inference needs."""
        plain_types(cfg)  # The config may come from a program or a checkpoint.
        steps = self._pipeline_steps(test_pipeline(cfg))
        return Compose([TRANSFORMS.build(step) for step in steps])

    def _pipeline_steps(self, steps: list[dict]) -> list[dict]:
        """Return the configs of the steps to build.

        Args:
            steps (list[dict]): Test pipeline, empty if the config has no test set.
        """
        raise NotImplementedError

    def _init_collate(self, cfg: ConfigDict) -> Any:
        return pseudo_collate

    def _init_visualizer(self, cfg: ConfigDict) -> Any:
        return None

    def visualize(self, *args: Any, **kwargs: Any) -> list[str]:
        """Return no files; subclasses may draw pictures."""
        return []

    def postprocess(
        self,
        preds: list[Any],
        visualization: list[str],
        return_datasamples: bool = False,
        pred_out_file: str = '',
    ) -> dict[str, list]:
        """Return samples as plain values, and write these to a file, if given.

        Args:
            preds (list): Samples.
            visualization (list[str]): Paths of pictures.
            return_datasamples (bool): Return the samples themselves.
            pred_out_file (str): JSON file to write.
        """
        plain = [self.pred2dict(sample) for sample in preds]
        if pred_out_file:
            mmengine.dump(plain, pred_out_file, indent=1)
        predictions = preds if return_datasamples else plain
        return dict(predictions=predictions, visualization=visualization)

    @staticmethod
    def pred2dict(sample: Any) -> dict[str, Any]:
        """Return a prediction as values that JSON can hold."""
        raise NotImplementedError


def _log_training_data(name: str) -> None:
    """Log the training data of a model, as it bounds what the model can find."""
    data = get_model(name).metadata.get('Training Data')
    if data:
        MMLogger.get_current_instance().info(f'{name} was trained on {data}')
