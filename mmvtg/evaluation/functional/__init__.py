"""The maths of the metrics: numpy in, dict out, no framework.

This folder needs numpy and nothing else, not even the rest of mmvtg: with its parent
folder on Python's path, ``import functional`` works where torch is not installed.
"""

from .average_precision import clip_ap, detection_ap, trapezoid_ap
from .baselines import prior_predictions, whole_video_predictions
from .detection import DETECTION_THRESHOLDS, evaluate_detections
from .detection_files import (
    Segments,
    read_annotated_segments,
    read_detected_segments,
)
from .ego4d import from_ego4d, to_ego4d
from .error_kinds import ErrorReport, find_errors, group_errors
from .groups import evaluate_groups, group_by_field, group_by_pattern
from .highlight import evaluate_highlights, tvsum_ap, youtube_ap
from .moment_retrieval import (
    EGO4D,
    QVHIGHLIGHTS,
    RECALL,
    RETRIEVAL,
    MomentProtocol,
    evaluate_moments,
)
from .packing import SubmissionError
from .proposals import PROPOSAL_THRESHOLDS, evaluate_proposals
from .retrieval import evaluate_retrieval
from .schema import find_problems, pack_submission
from .submission import PROTOCOLS, evaluate_submission, moment_protocol
from .summary import knapsack, select_summary, summary_f1, video_summary_f1
from .video_highlights import (
    VIDEO_PROTOCOLS,
    evaluate_video_highlights,
    score_video,
)

__all__ = [
    'DETECTION_THRESHOLDS',
    'EGO4D',
    'ErrorReport',
    'MomentProtocol',
    'PROPOSAL_THRESHOLDS',
    'PROTOCOLS',
    'QVHIGHLIGHTS',
    'RECALL',
    'RETRIEVAL',
    'Segments',
    'SubmissionError',
    'VIDEO_PROTOCOLS',
    'clip_ap',
    'detection_ap',
    'evaluate_detections',
    'evaluate_groups',
    'evaluate_highlights',
    'evaluate_moments',
    'evaluate_proposals',
    'evaluate_retrieval',
    'evaluate_submission',
    'evaluate_video_highlights',
    'find_errors',
    'group_by_field',
    'group_by_pattern',
    'find_problems',
    'from_ego4d',
    'group_errors',
    'knapsack',
    'moment_protocol',
    'pack_submission',
    'prior_predictions',
    'read_annotated_segments',
    'read_detected_segments',
    'score_video',
    'select_summary',
    'summary_f1',
    'to_ego4d',
    'trapezoid_ap',
    'tvsum_ap',
    'video_summary_f1',
    'whole_video_predictions',
    'youtube_ap',
]
