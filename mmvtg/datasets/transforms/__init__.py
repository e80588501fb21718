"""Steps of a data pipeline."""

from .formatting import PackGroundingInputs
from .loading import LoadStoredFeatures
from .packed import LoadPackedFeatures
from .targets import CleanMoments, SaliencyTarget
from .tokenize import TokenizeQuery
from .video import LoadVideo

__all__ = [
    'CleanMoments',
    'LoadPackedFeatures',
    'LoadStoredFeatures',
    'LoadVideo',
    'PackGroundingInputs',
    'SaliencyTarget',
    'TokenizeQuery',
]
