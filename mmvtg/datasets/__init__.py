"""Annotation files -> samples."""

from .annotations import read_annotations
from .caption_dataset import CaptionDataset
from .detection_dataset import ActionDetectionDataset
from .errors import AnnotationError, BadSampleError
from .grounding_dataset import GroundingDataset
from .json_lines import read_json_lines
from .moment_pair_dataset import MomentPairDataset
from .moving_shapes.frames import MovingShapesFrames
from .recognition_dataset import RecognitionDataset
from .samplers import DisjointSampler, DrawSampler, VideoBatchSampler, VideoGroupSampler
from .transforms import *  # noqa: F403

__all__ = [
    'ActionDetectionDataset',
    'AnnotationError',
    'BadSampleError',
    'CaptionDataset',
    'DisjointSampler',
    'DrawSampler',
    'GroundingDataset',
    'MomentPairDataset',
    'MovingShapesFrames',
    'RecognitionDataset',
    'VideoBatchSampler',
    'VideoGroupSampler',
    'read_annotations',
    'read_json_lines',
]
