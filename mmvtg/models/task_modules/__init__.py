"""Points, targets, matching, suppression and post-processing."""

from .matcher import HungarianMatcher
from .nms import batched_moment_nms, moment_nms
from .point_generator import PointGenerator
from .post_processor import MomentPostProcessor
from .target_assigner import PointTargetAssigner

__all__ = [
    'HungarianMatcher',
    'MomentPostProcessor',
    'PointGenerator',
    'PointTargetAssigner',
    'batched_moment_nms',
    'moment_nms',
]
