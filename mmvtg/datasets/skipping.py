"""Base of the data sets: bad samples are skipped in training."""

from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import MMLogger

from .errors import BadSampleError

#: Warnings about single samples per process; the others are only counted.
_WARNINGS = 5


class SkippingDataset(BaseDataset):
    """Base: a bad sample is skipped while training, and an error in test.

    Which sample takes its place depends on the bad one alone, not on a random state, so
    neither the number of workers nor a resumed run changes what is trained on.
    """

    _last_index = 0
    _in_a_row = 0

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline; None for a bad sample while training.

        Raises:
            BadSampleError: In test mode, or if no sample can be used.
        """
        self._last_index = idx
        try:
            data = super().prepare_data(idx)
        except BadSampleError as error:
            if self.test_mode:
                raise
            self._in_a_row += 1
            if self._in_a_row >= min(len(self), self.max_refetch):
                count, self._in_a_row = self._in_a_row, 0
                raise BadSampleError(
                    f'{self.ann_file}: no sample can be used, {count} in a row are '
                    f'bad; the last one: {error}'
                ) from error
            self._warn(idx, error)
            return None
        self._in_a_row = 0
        return data

    def _warn(self, idx: int, error: BadSampleError) -> None:
        """Log each skipped sample once, and only the first ones with their reasons."""
        skipped = self.__dict__.setdefault('_skipped', set())
        if idx in skipped:
            return
        skipped.add(idx)
        logger = MMLogger.get_current_instance()
        if len(skipped) <= _WARNINGS:
            logger.warning(f'sample skipped: {error}')
        elif set(str(len(skipped))[1:]) == {'0'}:  # 10, 20, ..., 100, 200, ...
            logger.warning(f'{len(skipped)} samples are skipped so far')

    def _rand_another(self) -> int:
        """What mmengine takes instead of a None: the next sample."""
        return (self._last_index + 1) % len(self)
