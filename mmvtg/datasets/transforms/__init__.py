"""Steps of a data pipeline."""

from .formatting import PackGroundingInputs
from .frame_draws import DrawStoredFrames, DrawVideoFrames
from .loading import LoadStoredFeatures
from .packed import LoadPackedFeatures
from .snippets import LoadSnippets, PackDetectionInputs
from .split_query import SplitQuery
from .targets import CleanMoments, SaliencyTarget
from .tokenize import TokenizeQuery
from .video import LoadVideo
from .wordpiece import TokenizeWordPiece

__all__ = [
    'CleanMoments',
    'DrawStoredFrames',
    'DrawVideoFrames',
    'LoadPackedFeatures',
    'LoadSnippets',
    'LoadStoredFeatures',
    'LoadVideo',
    'PackDetectionInputs',
    'PackGroundingInputs',
    'SaliencyTarget',
    'SplitQuery',
    'TokenizeQuery',
    'TokenizeWordPiece',
]
