"""From lists of samples to padded batches on the device."""

from .grounding import GroundingDataPreprocessor

__all__ = ['GroundingDataPreprocessor']
