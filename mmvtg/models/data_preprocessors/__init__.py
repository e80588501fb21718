"""From lists of samples to padded batches on the device."""

from .draws import DrawsPreprocessor
from .grounding import GroundingDataPreprocessor
from .moments import MomentPreprocessor
from .snippets import SnippetPreprocessor

__all__ = [
    'DrawsPreprocessor',
    'GroundingDataPreprocessor',
    'MomentPreprocessor',
    'SnippetPreprocessor',
]
