"""Tells a model which classes the data speaks of."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmvtg.registry import HOOKS


@HOOKS.register_module()
class ClassNamesHook(Hook):
    """Calls ``model.set_classes`` with the ``classes`` of the data set in use.

    Training, validation and test may be about other classes (zero-shot); the model
    follows. Where a data set has none, the model keeps those that it has.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self) -> None:
        self._current = None

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        self._follow(runner, runner.train_dataloader)

    def before_val_epoch(self, runner) -> None:
        self._follow(runner, runner.val_dataloader)

    def before_test_epoch(self, runner) -> None:
        self._follow(runner, runner.test_dataloader)

    def _follow(self, runner, dataloader) -> None:
        if dataloader is self._current:
            return
        self._current = dataloader
        classes = dataloader.dataset.metainfo.get('classes')
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if classes is not None:
            model.set_classes(classes)
