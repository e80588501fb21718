"""The errors that name a bad input."""

from mmvtg.video.errors import BadSampleError

__all__ = ['AnnotationError', 'BadSampleError']


class AnnotationError(ValueError):
    """An annotation file is malformed; the message names file, line and remedy."""
