"""Points, targets, matching, suppression and post-processing."""

from .nms import batched_moment_nms
from .post_processor import MomentPostProcessor

__all__ = ['MomentPostProcessor', 'batched_moment_nms']
