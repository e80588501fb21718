"""Tells a model which classes the data speaks of."""

from typing import Any, Optional

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmvtg.registry import HOOKS


@HOOKS.register_module()
class ClassNamesHook(Hook):
    """Calls ``model.set_classes`` with the ``classes`` of the data set in use.

    Training, validation and test may be about other classes (zero-shot); the model
    follows. Where a data set has none, the model keeps those that it has.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self) -> None:
        self._current: Optional[DataLoader] = None

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        self._follow(runner, runner.train_dataloader)

    def before_val_epoch(self, runner: Runner) -> None:
        self._follow(runner, runner.val_dataloader)

    def before_test_epoch(self, runner: Runner) -> None:
        self._follow(runner, runner.test_dataloader)

    def _follow(self, runner: Runner, dataloader: DataLoader) -> None:
        if dataloader is self._current:
            return
        self._current = dataloader
        classes = getattr(dataloader.dataset, 'metainfo', {}).get('classes')
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if classes is not None:
            model.set_classes(classes)
