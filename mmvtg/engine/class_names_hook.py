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

    def before_train_epoch(self, runner) -> None:
        _tell(runner, runner.train_dataloader)

    def before_val_epoch(self, runner) -> None:
        _tell(runner, runner.val_dataloader)

    def after_val_epoch(self, runner, metrics=None) -> None:
        if runner._train_loop is not None and not isinstance(runner._train_loop, dict):
            _tell(runner, runner.train_dataloader)

    def before_test_epoch(self, runner) -> None:
        _tell(runner, runner.test_dataloader)


def _tell(runner, dataloader) -> None:
    classes = dataloader.dataset.metainfo.get('classes')
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if classes is not None:
        model.set_classes(classes)
