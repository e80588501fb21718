"""What every data set does with a sample that cannot be used."""

from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import MMLogger

from .errors import BadSampleError


class SkippingDataset(BaseDataset):
    """Base: a bad sample is skipped while training, and an error in test.

    Which sample takes its place depends on the bad one alone, not on a random state, so
    neither the number of workers nor a resumed run changes what is trained on.
    """

    _last_index = 0

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline; None for a bad sample while training.

        Raises:
            BadSampleError: In test mode.
        """
        self._last_index = idx
        try:
            return super().prepare_data(idx)
        except BadSampleError as error:
            if self.test_mode:
                raise
            MMLogger.get_current_instance().warning(f'sample skipped: {error}')
            return None

    def _rand_another(self) -> int:
        """What mmengine takes instead of a None: the next sample."""
        return (self._last_index + 1) % len(self)
