"""torch.compile for parts of a model."""

from typing import Any, Sequence

from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmvtg.registry import HOOKS

from .stage_hooks import find_module


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles parts of the model where they stand, before training starts.

    mmengine's ``compile`` of a config traces the whole training step, data samples
    included, which torch's compiler does not take. Here only what computes on tensors
    is compiled. Names of weights stay as they are, so checkpoints of compiled and plain
    runs are the same.

    Args:
        parts (Sequence[str]): Modules of the model, such as ``neck`` or ``head.tower``.
        **options: Of ``torch.compile``: ``mode``, ``dynamic``, ``backend``. Batches
            differ in length, so ``dynamic=True`` saves compilations.
    """

    def __init__(self, parts: Sequence[str] = ('neck',), **options: Any) -> None:
        self.parts = tuple(parts)
        self.options = options

    def before_train(self, runner: Runner) -> None:
        """Compile the parts; their first calls are slow.

        Raises:
            ValueError: The model has no part of this name.
        """
        for name in self.parts:
            find_module(runner, name).compile(**self.options)
        MMLogger.get_current_instance().info(
            f'compiled: {", ".join(self.parts)}; the first steps take long'
        )
