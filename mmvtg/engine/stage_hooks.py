"""Training in stages. What holds in an epoch follows from its number alone, so a
resumed run goes on as it would have."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn

from mmvtg.registry import HOOKS


def find_module(runner: Any, name: str) -> nn.Module:
    """A part of the model by its dotted name.

    Raises:
        ValueError: The model has no such part.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    try:
        return model.get_submodule(name)
    except AttributeError as error:
        raise ValueError(f'{type(model).__name__} has no part {name!r}') from error


@HOOKS.register_module()
class FreezeHook(Hook):
    """Keeps a part of the model as it is in the first epochs.

    Its parameters get no gradient then, so an optimiser leaves them alone, weight decay
    included. Parts that are frozen anyway (``requires_grad=False`` before training)
    stay so.

    Args:
        module (str): Dotted name of the part, such as ``text_tower``.
        epochs (int): How many.
    """

    def __init__(self, module: str, epochs: int) -> None:
        self.module = module
        self.epochs = epochs
        self.parameters: list = []

    def before_train(self, runner: Any) -> None:
        module = find_module(runner, self.module)
        self.parameters = [p for p in module.parameters() if p.requires_grad]

    def before_train_epoch(self, runner: Any) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(runner.epoch >= self.epochs)
            if runner.epoch < self.epochs:
                parameter.grad = None


@HOOKS.register_module()
class LossWeightHook(Hook):
    """Multiplies the weight of a loss after the first epochs.

    Args:
        module (str): Dotted name of a loss with ``loss_weight``, such as
            ``head.losses.match``.
        epochs (int): Epochs with the full weight.
        factor (float): Of the weight afterwards.
    """

    def __init__(self, module: str, epochs: int, factor: float) -> None:
        self.module = module
        self.epochs = epochs
        self.factor = factor

    def before_train(self, runner: Any) -> None:
        self.full = float(self._loss(runner).loss_weight)

    def before_train_epoch(self, runner: Any) -> None:
        factor = 1.0 if runner.epoch < self.epochs else self.factor
        self._loss(runner).loss_weight = self.full * factor

    def _loss(self, runner: Any) -> Any:
        return find_module(runner, self.module)
