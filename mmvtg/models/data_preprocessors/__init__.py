"""From lists of samples to padded batches on the device."""

from .draws import DrawsPreprocessor
from .grounding import GroundingDataPreprocessor

__all__ = ['DrawsPreprocessor', 'GroundingDataPreprocessor']
