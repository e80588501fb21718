"""Steps of a data pipeline."""

from .formatting import PackGroundingInputs
from .frame_draws import DrawStoredFrames, DrawVideoFrames, FramesToImages
from .loading import LoadStoredFeatures
from .mirror import MirrorAction
from .moment_pair import LoadMomentPair, PackMomentPair
from .packed import LoadPackedFeatures
from .snippets import LoadSnippets, PackDetectionInputs
from .split_query import SplitQuery
from .targets import CleanMoments, SaliencyTarget
from .tokenize import TokenizeQuery
from .verb import VerbPosition
from .video import LoadVideo
from .wordpiece import TokenizeWordPiece

__all__ = [
    'CleanMoments',
    'DrawStoredFrames',
    'DrawVideoFrames',
    'FramesToImages',
    'LoadMomentPair',
    'LoadPackedFeatures',
    'LoadSnippets',
    'LoadStoredFeatures',
    'LoadVideo',
    'MirrorAction',
    'PackDetectionInputs',
    'PackGroundingInputs',
    'PackMomentPair',
    'SaliencyTarget',
    'SplitQuery',
    'TokenizeQuery',
    'VerbPosition',
    'TokenizeWordPiece',
]
