"""Steps of a data pipeline."""

from .formatting import PackGroundingInputs
from .loading import LoadStoredFeatures, UseFrames
from .targets import CleanMoments, SaliencyTarget

__all__ = [
    'CleanMoments',
    'LoadStoredFeatures',
    'PackGroundingInputs',
    'SaliencyTarget',
    'UseFrames',
]
