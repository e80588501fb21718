"""Points, targets, matching, suppression and post-processing."""

from .detection_input import VideoClassScores, read_proposals
from .mask_candidates import MaskCandidates
from .matcher import HungarianMatcher
from .nms import batched_moment_nms, moment_nms
from .point_generator import PointGenerator
from .post_processor import MomentPostProcessor
from .proposal_grid import ProposalGrid, proposal_mask
from .snippet_targets import SnippetTargets, snippet_targets
from .target_assigner import PointTargetAssigner

__all__ = [
    'HungarianMatcher',
    'MaskCandidates',
    'MomentPostProcessor',
    'PointGenerator',
    'PointTargetAssigner',
    'ProposalGrid',
    'SnippetTargets',
    'VideoClassScores',
    'batched_moment_nms',
    'moment_nms',
    'proposal_mask',
    'read_proposals',
    'snippet_targets',
]
